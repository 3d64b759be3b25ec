# shellcheck shell=sh
# For tests that deploy: a store in $TMP/srv reached as local:APP, and trees.
# Sourced after tap.sh.

DEPLOYD_ROOT=$TMP/srv
DEPLOYD_CONF=$TMP/deployd.conf
export DEPLOYD_ROOT DEPLOYD_CONF
: >"$DEPLOYD_CONF"

# listing DIR: every path with type, mode, link target and content's hash.
# With a second argument, a path to leave out (shared links).
listing() {
	(
		cd "$1" || exit 1
		find . -mindepth 1 ${2:+! -path "$2"} \
			\( -type l -printf '%P\tl\t%l\n' -o \
			-printf '%P\t%y\t%m\n' \) | LC_ALL=C sort
		find . ${2:+! -path "$2"} -type f -print0 | LC_ALL=C sort -z |
			xargs -0r sha256sum
	)
}

# same_tree NAME DIR APP: what is live equals DIR.
same_tree() {
	listing "$2" ./deploy.conf >"$TMP/.want"
	listing "$DEPLOYD_ROOT/$3/current/" >"$TMP/.got" 2>&1
	if cmp -s "$TMP/.want" "$TMP/.got"; then
		is "$1" same same
	else
		is "$1" "$(diff "$TMP/.want" "$TMP/.got" | head -n 20)" ''
	fi
}

# live APP: the ID that is live.
live() {
	basename "$(readlink "$DEPLOYD_ROOT/$1/current")"
}

# A small tree in $1.
make_tree() {
	mkdir -p "$1/src/deep/er" "$1/empty" "$1/a b"
	echo one >"$1/one"
	echo two >"$1/src/two"
	echo three >"$1/src/deep/er/three"
	echo 'quote' >"$1/a b/it's \"here\" \$HOME"
	echo umlaut >"$1/src/grüße"
	printf '#!/bin/sh\necho run\n' >"$1/run"
	chmod 755 "$1/run"
	: >"$1/none"
	ln -s ../one "$1/src/link"
	ln -s /nowhere/at/all "$1/dangling"
}

# event APP: the names of the events in its history, in a line.
events() {
	awk '{print $2}' "$DEPLOYD_ROOT/$1/.deployd/history" | tr '\n' ' '
}

# settle: waits until no deployd of this test runs, also in the background,
# where on a busy disk a sync alone may take half a minute.
settle() {
	settle_end=$(($(date +%s) + 300))
	# One may have been born behind a look, of one who was gone before it.
	while settle_runs || settle_runs; do
		[ "$(date +%s)" -lt $settle_end ] || {
			echo '# a deployd does not end' >&2
			return 1
		}
		sleep 0.05
	done
}

settle_runs() {
	# valgrind gives what it runs its own name.
	for settle_pid in $(pgrep -x 'deployd|memcheck.*'); do
		tr '\0' '\n' 2>/dev/null <"/proc/$settle_pid/environ" |
			grep -qxF "DEPLOYD_ROOT=$DEPLOYD_ROOT" && return 0
	done 2>/dev/null
	return 1
}
