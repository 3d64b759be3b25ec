#!/bin/sh
# A disk that root has filled, into what the file system keeps for root: what
# an account frees there is not given to it again, and a rollback works.
. "$(dirname "$0")/lib/tap.sh"

PATH=$PATH:/usr/sbin:/sbin
own_mounts
. "$TOP/t/lib/app.sh"

command -v setpriv >/dev/null || skip_all 'there is no setpriv'
nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
# Those of the test that began, as well.
chmod 711 "$TMP" "$TMP/.." "$TMP/../.."
nobody test -x "$DEPLOYD" || skip_all 'another account cannot run deployd'
mkdir "$DEPLOYD_ROOT"
trap 'umount -l "$DEPLOYD_ROOT" 2>/dev/null || :; tap_exit' EXIT
HOME=$TMP/nobody
mkdir -p "$HOME/.config" && chown -R 65534 "$HOME"
chmod 1777 "$TMPDIR"
XDG_CACHE_HOME=$HOME/.cache
XDG_CONFIG_HOME=$HOME/.config
export XDG_CACHE_HOME XDG_CONFIG_HOME
unset XDG_RUNTIME_DIR
printf '[deployd]\nreserve = 1M\nspare = no\n' >"$DEPLOYD_CONF"
own=$DEPLOYD_ROOT/blog/.deployd
deploy() {
	nobody "$DEPLOY" "$@"
}
free() {
	df -k --output=avail "$DEPLOYD_ROOT" | tail -n 1 | tr -d ' '
}
fill() {
	cat /dev/zero >"$DEPLOYD_ROOT/filler" 2>/dev/null
	sync
	n=0
	while echo x >"$DEPLOYD_ROOT/filler.$n"; do
		n=$((n + 1))
	done 2>/dev/null
}

mkdir app
# each TYPE SIZE BALLAST
each() {
	command -v "mkfs.$1" >/dev/null || {
		skip "a full $1" "there is no mkfs.$1"
		return
	}
	rm -f "$TMP/disk"
	truncate -s "$2" "$TMP/disk"
	if ! "mkfs.$1" -q "$TMP/disk" >"$TMP/why" 2>&1 ||
		! mount -o loop "$TMP/disk" "$DEPLOYD_ROOT" 2>"$TMP/why"; then
		skip "a full $1" "$(head -n 1 "$TMP/why")"
		return
	fi
	chown 65534 "$DEPLOYD_ROOT"
	printf '[hooks]\nrestart = true\n' >app/deploy.conf
	for n in 1 2 3; do
		echo $n >app/version
		ok "$1: release $n" deploy local:blog app
	done
	third=$(live blog)
	second=$(cd "$DEPLOYD_ROOT/blog/releases" && printf '%s\n' * | sed -n 2p)
	first=$(cd "$DEPLOYD_ROOT/blog/releases" && printf '%s\n' * | sed -n 1p)
	fill
	fails 1 "$1: the account cannot write a byte" nobody sh -c "echo x >$DEPLOYD_ROOT/blog/x || exit 1"
	rm -f "$DEPLOYD_ROOT/blog/x"
	ok "$1: a rollback works" deploy rollback local:blog
	unlike "$1: all of it is written" "$OUT" 'No space left'
	is "$1: to the one before" "$(live blog)" "$second"
	like "$1: it is in the history" "$own/history" " rollback $second $third "
	like "$1: what it went back from is held" "$own/records/$third" '^held yes'
	like "$1: and the other is recorded as live" "$own/records/$second" '^checked yes'
	ok "$1: status" deploy status local:blog
	like "$1: knows what was before" "$OUT" "previous *$first"
	ok "$1: one more" nobody "$DEPLOYD" rollback blog
	is "$1: goes further back" "$(live blog)" "$first"
	unlike "$1: all of it is written, too" "$OUT" 'No space left'

	# As often as need be.
	said=
	for n in 1 2 3 4 5 6 7 8; do
		for id in "$second" "$first"; do
			deploy activate local:blog "$id" >"$TMP/said" 2>&1 ||
				said="$said$(cat "$TMP/said")"
			said="$said$(grep 'No space left' "$TMP/said")"
		done
	done
	is "$1: back and forth, many times" "$said" ''
	is "$1: each is in the history" "$(grep -c " live $first $second " "$own/history")" 8
	[ "$1" != ext4 ] ||
		is "$1: no room was given up" "$(cd "$own" && echo ballast.*)" \
			'ballast.0 ballast.1 ballast.2 ballast.3 ballast.4 ballast.5 ballast.6 ballast.7'
	ok "$1: nothing of it is wrong" nobody "$DEPLOYD" fsck -n blog
	echo 4 >app/version
	fails 4 "$1: a deploy is refused" deploy local:blog app
	rm "$DEPLOYD_ROOT"/filler*
	ok "$1: with room it is not" deploy local:blog app
	is "$1: and there is all the ballast" "$(stat -c %s "$own"/ballast.* | sort | uniq -c | tr -s ' ')" " 8 $3"
	ok "$1: nothing is wrong" nobody "$DEPLOYD" fsck -n blog
	settle
	umount "$DEPLOYD_ROOT"
}
each ext4 20M 8192
each xfs 300M 65536
done_testing
