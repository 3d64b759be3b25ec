#!/bin/sh
# A disk that root has filled, into what the file system keeps for root: what
# an account frees there is not given to it again, and a rollback works.
. "$(dirname "$0")/lib/tap.sh"

PATH=$PATH:/usr/sbin:/sbin
own_mounts
. "$TOP/t/lib/app.sh"

command -v mkfs.ext4 >/dev/null || skip_all 'there is no mkfs.ext4'
command -v setpriv >/dev/null || skip_all 'there is no setpriv'
nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
# Those of the test that began, as well.
chmod 711 "$TMP" "$TMP/.." "$TMP/../.."
nobody test -x "$DEPLOYD" || skip_all 'another account cannot run deployd'
truncate -s 20M "$TMP/disk"
mkdir "$DEPLOYD_ROOT"
mkfs.ext4 -q "$TMP/disk"
mount -o loop "$TMP/disk" "$DEPLOYD_ROOT" 2>/dev/null ||
	skip_all 'no file system can be mounted'
trap 'umount -l "$DEPLOYD_ROOT" 2>/dev/null; tap_exit' EXIT
chown 65534 "$DEPLOYD_ROOT"
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
	is 'the disk is full' "$(free)" 0
}

mkdir app
printf '[hooks]\nrestart = true\n' >app/deploy.conf
for n in 1 2 3; do
	echo $n >app/version
	ok "release $n" deploy local:blog app
done
third=$(live blog)
second=$(cd "$DEPLOYD_ROOT/blog/releases" && printf '%s\n' * | sed -n 2p)
first=$(cd "$DEPLOYD_ROOT/blog/releases" && printf '%s\n' * | sed -n 1p)
fill
fails 1 'the account cannot write a byte' nobody sh -c "echo x >$DEPLOYD_ROOT/blog/x || exit 1"
rm -f "$DEPLOYD_ROOT/blog/x"
ok 'a rollback works' deploy rollback local:blog
unlike 'all of it is written' "$OUT" 'No space left'
is 'to the one before' "$(live blog)" "$second"
like 'it is in the history' "$own/history" " rollback $second $third "
like 'what it went back from is held' "$own/records/$third" '^held yes'
like 'and the other is recorded as live' "$own/records/$second" '^checked yes'
ok 'status' deploy status local:blog
like 'knows what was before' "$OUT" "previous *$first"
ok 'one more' nobody "$DEPLOYD" rollback blog
is 'goes further back' "$(live blog)" "$first"
unlike 'all of it is written, too' "$OUT" 'No space left'

# As often as need be.
said=
for n in 1 2 3 4 5 6 7 8; do
	for id in "$second" "$first"; do
		deploy activate local:blog "$id" >"$TMP/said" 2>&1 ||
			said="$said$(cat "$TMP/said")"
		said="$said$(grep 'No space left' "$TMP/said")"
	done
done
is 'back and forth, many times' "$said" ''
is 'each is in the history' "$(grep -c " live $first $second " "$own/history")" 8
is 'no room was given up' "$(cd "$own" && echo ballast.*)" \
	'ballast.0 ballast.1 ballast.2 ballast.3 ballast.4 ballast.5 ballast.6 ballast.7'
ok 'nothing of it is wrong' nobody "$DEPLOYD" fsck -n blog
echo 4 >app/version
fails 4 'a deploy is refused' deploy local:blog app
rm "$DEPLOYD_ROOT/filler"
ok 'with room it is not' deploy local:blog app
is 'and there is all the ballast' "$(stat -c %s "$own"/ballast.* | sort -u)" 8192
ok 'nothing is wrong' nobody "$DEPLOYD" fsck -n blog
done_testing
