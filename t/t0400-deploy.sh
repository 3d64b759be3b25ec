#!/bin/sh
# Deploys to a store on this machine: the tree arrives equal, first and after
# every kind of change.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

make_tree app
cd app || exit 1
ok 'a first deploy ends well' "$DEPLOY" local:blog
like 'the first line names directory and target' "$OUT" \
	"deploying $TMP/app to local:blog"
like 'a new app says so' "$OUT" 'blog is a new app here'
like 'the last line tells what was reused and sent' "$OUT" \
	'^deployed blog [0-9TZ]+-[0-9a-f]{8}: reused 1 of 7 files, sent .* of .* in '
same_tree 'the tree arrives equal' . blog
first=$(live blog)

ok 'deploying it again is success' "$DEPLOY" local:blog
like 'and says that nothing changed' "$OUT" "unchanged blog $first"
is 'nothing was switched' "$(live blog)" "$first"
rm -rf "$XDG_CACHE_HOME"
ok 'the same without any cache' "$DEPLOY" local:blog
like 'is found to be unchanged too' "$OUT" "unchanged blog $first"

change() {
	ok "a deploy after: $1" "$DEPLOY" -v local:blog
	same_tree "equal after: $1" . blog
}

echo more >>one
change 'an edit'
like 'only that file is asked for' "$OUT" 'needs 1 files'

old=$(stat -c %y src/two)
printf 'TWO\n' >src/two
touch -d "$old" src/two
change 'an edit that keeps size and mtime'
like 'it is sent' "$OUT" 'needs 1 files'

mv src/deep src/moved
change 'a renamed directory'
like 'nothing is asked for' "$OUT" 'needs 0 files'

cp one copy-of-one
cp one src/copy-of-one
change 'copies of a file'
like 'nothing is asked for' "$OUT" 'needs 0 files'

echo new >new1
cp new1 new2
cp new1 new3
change 'three new files that are the same'
like 'the content crosses once' "$OUT" 'needs 1 files'

chmod 755 one
chmod 644 run
change 'mode changes'
like 'no content is asked for' "$OUT" 'needs 0 files'

rm one
mkdir one
echo inside >one/inside
rm -rf src/moved
ln -s ../new1 src/moved
rm src/link
echo 'no link any more' >src/link
rm none
mkdir none
change 'changes of type'

rm -rf new1 new2 'a b' none
rmdir empty
change 'deletions'

find . -type f -exec touch {} +
before=$(live blog)
ok 'new mtimes alone are no change' "$DEPLOY" local:blog
is 'nothing was switched then' "$(live blog)" "$before"

ln -sfn elsewhere dangling
change 'a link that points elsewhere'

mkdir -p d
echo keep >d/.keep-me
change 'a hidden file'

long=$(printf 'x%.0s' $(seq 200))
mkdir -p "$long/$long/$long/$long/$long" &&
	echo deep >"$long/$long/$long/$long/$long/file-$long"
change 'a path of 1,200 bytes'

ok 'without any cache on either side' "$DEPLOY" -v --no-cache local:blog
like 'everything is asked for' "$OUT" 'needs [1-9][0-9]* files.*holds [0-3] already'
same_tree 'and arrives equal' . blog

printf 'key' >.env
ok 'a secret is sent' "$DEPLOY" local:blog
like 'but warned of' "$OUT" 'warning: .env looks like a secret'
rm .env

cat >deploy.conf <<'END'
[remote "production"]
url = local:blog
END
ok 'a remote of deploy.conf is the target' "$DEPLOY"
is 'deploy.conf is not in the release' \
	"$(ls "$DEPLOYD_ROOT/blog/current/deploy.conf" 2>/dev/null)" ''
ok 'from a directory below it' sh -c 'cd src && deploy production'
like 'the project is what is deployed' "$OUT" "deploying $TMP/app to local:blog"

mkfifo pipe
fails 1 'a fifo is refused' "$DEPLOY"
like 'by name' "$OUT" 'pipe'
rm pipe

done_testing
