#!/bin/sh
# fsck -n promises what fsck does, and fsck says why it does not do more.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
app=$DEPLOYD_ROOT/blog
own=$app/.deployd
as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}
if [ "$(id -u)" -eq 0 ]; then
	command -v setpriv >/dev/null || skip_all 'there is no setpriv'
	chmod 755 "$TMP" "$HOME"
	chown -R 65534:65534 "$HOME" "$TMPDIR" "$XDG_RUNTIME_DIR"
	mkdir "$DEPLOYD_ROOT"
	chown 65534:65534 "$DEPLOYD_ROOT"
fi
make_tree app
ok 'a release' as_user "$DEPLOY" local:blog app
first=$(live blog)
echo 2 >app/one
ok 'another' as_user "$DEPLOY" local:blog app
second=$(live blog)
tree=$app/releases/$second

# as_promised NAME: what fsck does is what -n has said; the lines are in $OUT.
as_promised() {
	as_user "$DEPLOYD" fsck -n blog >"$TMP/dry" 2>/dev/null
	as_user "$DEPLOYD" fsck blog >"$TMP/done" 2>/dev/null
	is "$1" "$(sed 's/(can be repaired: .*/(repaired/' "$TMP/dry")" \
		"$(sed 's/(repaired: .*/(repaired/' "$TMP/done")"
}
rm "$tree/src/two"
mkdir "$tree/src/two"
: >"$tree/src/two/of somebody"
rm "$tree/dangling"
mkdir "$tree/dangling"
as_promised 'directories in the place of a file and of a link'
like 'are told as that' ./done \
	"src/two: type: a directory, not a file \\(left: move it away, then deployd fsck again\\)"
like 'both' ./done \
	"dangling: type: a directory, not a symbolic link \\(left: move it away, then deployd fsck again\\)"
rm -r "$tree/src/two" "$tree/dangling"
mkfifo "$tree/src/two"
as_promised 'what was said'
like 'helps' ./done 'dangling: missing \(repaired: made again\)'
like 'a fifo is one' ./done 'src/two: type: a fifo, not a file \(repaired: copied'
rm -r "$tree/src" "$tree/empty"
: >"$tree/empty"
as_promised 'a directory that is gone, with all in it'
like 'is made' ./done 'src/deep/er/three: missing \(repaired: copied'
like 'a file is one' ./done 'empty: type: a file, not a directory \(repaired'
chmod 0 "$tree/src" "$tree/run"
as_promised 'what is closed to its owner'
like 'is opened' ./done 'src: mode \(repaired: made again\)'
if [ "$(id -u)" -eq 0 ]; then
	chown 0:0 "$tree/src" "$tree/run"
	chmod 700 "$tree/src"
	chmod 700 "$tree/run"
	as_promised 'what is closed by another'
	like 'is left' ./done 'src/deep/er/three: unreadable \(left: Permission denied; deploy its tree again, with --rebuild\)'
	like 'with its mode' ./done 'src: mode \(left: Operation not permitted; deploy'
	chmod 755 "$tree/src" "$tree/run"
	rm "$tree/src/two"
	as_promised 'what is not to be written'
	like 'too' ./done 'src/two: missing \(left: Permission denied; deploy'
	chown 65534:65534 "$tree/src" "$tree/run"
	as_user "$DEPLOYD" fsck blog >/dev/null 2>&1
else
	skip 'files of another' 'only root can make them'
fi
ok 'now all is well' as_user "$DEPLOYD" fsck blog

manifest=$(sed -n 's/^manifest //p' "$own/records/$first")
cp -p "$own/manifests/$manifest" manifest
echo x >>"$own/manifests/$manifest"
fails 1 'a manifest that is damaged' as_user "$DEPLOYD" fsck blog
like 'is told with its release' "$OUT" \
	"^blog: releases/$first: its manifest is lost: .*$manifest is damaged \\(left: it can be gone back to, but not verified\\)\$"
fails 1 'also from afar' as_user "$DEPLOY" --json fsck local:blog
like 'with its release' "$OUT" "\"release\":\"$first\",\"change\":null,\"path\":null,\"how\":\"its manifest is lost"
ok 'which is as it says' as_user "$DEPLOY" rollback local:blog
is 'it is gone back to' "$(live blog)" "$first"
fails 1 'live' as_user "$DEPLOYD" fsck blog
like 'it is to be deployed again' "$OUT" "releases/$first: its manifest is lost: .* \\(left: deploy its tree again, with --rebuild\\)"
done_testing
