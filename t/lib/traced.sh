# shellcheck shell=sh disable=SC2119,SC2120 # behind may have no arguments
# For tests of what crosses: a client whose frames are traced, and its deployd
# behind a relay.  After lib/tap.sh and lib/app.sh:
#
#	behind RELAY...    a deployd behind such a relay is $TMP/relay, for one
#	                   deploy; with nothing, there is none between
#	traced NAME ...    a deploy by it; $TMP/frames has its frames, and
#	                   $TMP/types their directions and types
#	lines TYPE         how many line numbers the frames of that type had

# The relay and deployd do not write to the client's trace.
behind() {
	cat >"$TMP/relay" <<END
#!/bin/sh
unset DEPLOY_TRACE
exec $* $DEPLOYD "\$@"
END
	chmod 755 "$TMP/relay"
}

traced() {
	traced_name=$1
	shift
	rm -f "$TMP/frames"
	ok "$traced_name" env DEPLOY_TRACE="$TMP/frames" timeout 60 "$DEPLOY" \
		--deployd="$TMP/relay" "$@"
	behind
	grep -a '^[<>]' "$TMP/frames" | cut -d' ' -f1-2 >"$TMP/types"
}

lines() {
	awk -v type="$1" '/^[<>] / { inside = $2 == type; next }
		inside { n += split($1, r, "-") > 1 ? r[2] - r[1] + 1 : 1 }
		END { print n + 0 }' "$TMP/frames"
}
