#!/bin/sh
# The connection is cut at each byte of a deploy, one way or the other: the
# client says so and what to do, and the server is ready for the next.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

link=$BUILD/t/lib/slowlink
[ -x "$link" ] || skip_all 'slowlink is not built'

relay() {
	cat >"$TMP/relay" <<-END
		#!/bin/sh
		exec "$link" -e $* "$DEPLOYD" "\$@"
	END
	chmod 755 "$TMP/relay"
}
deploy() {
	"$DEPLOY" --deployd="$TMP/relay" local:blog app
}

# Who cannot know what is live is told how to see.
cut_hint='run it again: what has arrived is not sent again\|see what is live: deploy status local:blog'
cut_well() {
	is_whole
	case $1 in
	3 | 6) ;;
	0) [ "$LIVE" = "$VERSION" ] || echo "status 0, and $LIVE is live" ;;
	*) echo "status $1" ;;
	esac
	[ "$1" -ne 3 ] || grep -q 'before .* said a word' "$TMP/said" ||
		cat "$TMP/said"
	[ "$1" -ne 6 ] || grep -q "$cut_hint" "$TMP/said" || cat "$TMP/said"
	mends
}

# each OPTION BYTES STRIDE
each() {
	n=1
	while [ "$n" -lt "$2" ]; do
		next_version
		relay "$1" "$n"
		deploy >"$TMP/said" 2>&1
		status=$?
		settle
		is "cut after $n bytes ($1), status $status" "$(cut_well $status)" ''
		n=$((n + ${SOAK:-$3}))
	done
}

next_version
ok 'a first deploy' "$DEPLOY" local:blog app
next_version
relay -c "$TMP/bytes"
ok 'another one, of which the bytes are counted' deploy
settle
read -r up down turns <"$TMP/bytes"
diag "$up bytes up, $down down, $turns turns"
each -u "$up" 97
each -D "$down" 53
done_testing
