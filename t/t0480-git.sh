#!/bin/sh
# What git knows of a tree: in the record, and before a commit is replaced
# that the checkout does not contain.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

command -v git >/dev/null || skip_all 'there is no git'
git init -q app
cd app || exit 1
echo one >one
git add one
git commit -qm 'The first one'
git remote add origin https://ann:secret@example.org/app.git
ok 'a deploy of a checkout' "$DEPLOY" local:blog
ok 'releases' "$DEPLOY" releases local:blog
like 'have branch, commit and subject' "$OUT" \
	"main $(git rev-parse --short=8 HEAD) The first one"
unlike 'it is clean' "$OUT" dirty
record=$DEPLOYD_ROOT/blog/.deployd/records/$(live blog)
like 'the remote is recorded' "$record" 'https://example.org/app.git'
unlike 'without its password' "$record" secret
like 'and the author' "$record" 'A Tester <tester@example.org>'

echo two >one
ok 'with an edit' "$DEPLOY" local:blog
"$DEPLOY" releases local:blog >"$TMP/list"
like 'it is dirty' "$TMP/list" '^\* .*\(dirty\)'
git checkout -q one
ok 'from a hook of another repository' env GIT_DIR=/nonexistent "$DEPLOY" local:blog
"$DEPLOY" releases local:blog >"$TMP/list"
like 'it is still this one that is asked' "$TMP/list" '^\* .*The first one'

# Somebody else's commit is live.
git clone -q . ../other
(cd ../other && echo other >other && git add other && git commit -qm Theirs)
ok 'another checkout deploys' "$DEPLOY" -C ../other local:blog
theirs=$(git -C ../other rev-parse HEAD)
echo three >one
git commit -qam 'The third'
ok 'replacing what this one does not contain' "$DEPLOY" local:blog
like 'is a warning that names it' "$OUT" \
	"warning: .*commit $(echo "$theirs" | cut -c 1-12) \\(Theirs\\)"
ok 'theirs again' "$DEPLOY" -C ../other local:blog
printf '[app]\nancestry = refuse\n' >deploy.conf
fails 4 'ancestry = refuse' "$DEPLOY" local:blog
like 'says what to do' "$OUT" 'fetch and merge it, or use --force'
is 'nothing was changed' "$(cat "$DEPLOYD_ROOT/blog/current/other")" other
ok '--force' "$DEPLOY" --force local:blog
git pull -q --no-rebase --no-edit ../other main
ok 'theirs once more' "$DEPLOY" -C ../other --force local:blog
ok 'after a merge' "$DEPLOY" local:blog
unlike 'there is no warning' "$OUT" warning
ok 'theirs, and a shallow clone' "$DEPLOY" -C ../other --force local:blog
git clone -q --depth 1 "file://$TMP/app" ../shallow
ok 'that cannot tell' "$DEPLOY" -C ../shallow --force local:blog
unlike 'does not warn' "$OUT" 'does not contain'
ok 'theirs once more' "$DEPLOY" -C ../other --force local:blog
printf '[app]\nancestry = refuse\n' >../shallow/deploy.conf
fails 4 'with ancestry = refuse it is refused' "$DEPLOY" -C ../shallow local:blog
like 'and what to fetch is said' "$OUT" 'unshallow'

# Without git, and outside a repository.
mkdir "$TMP/bin" "$TMP/plain"
for tool in sh cat; do
	ln -s "$(command -v $tool)" "$TMP/bin"
done
ok 'without git in PATH' env PATH="$TMP/bin" "$DEPLOY" local:nogit
echo x >"$TMP/plain/x"
ok 'outside a repository' "$DEPLOY" -C "$TMP/plain" local:plain
git init -q "$TMP/empty"
echo x >"$TMP/empty/x"
ok 'in one without a commit' "$DEPLOY" -C "$TMP/empty" local:empty

# An archive brings its commit.
git archive HEAD >"$TMP/a.tar"
ok 'git archive' sh -c "'$DEPLOY' --tar=- local:arch <'$TMP/a.tar'"
like 'brings its commit' "$DEPLOYD_ROOT/arch/.deployd/records/$(live arch)" \
	"$(git rev-parse HEAD)"

done_testing
