#!/bin/sh
# The git hooks of contrib/hooks with real git: a push to a bare repository
# deploys the branch, or is rejected; a push from a clone deploys before.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

command -v git >/dev/null || skip_all 'there is no git'
hooks=$TOP/contrib/hooks

# live_file APP FILE: what the live release has there.
live_file() {
	cat "$DEPLOYD_ROOT/$1/current/$2" 2>&1
}

commit() {
	git add -A && git commit -qm "$1"
}

git init -q clone
cd clone || exit 1
cat >deploy.conf <<'END'
[hooks]
build = env >seen; ! test -f broken
END
echo '*.o' >.gitignore
echo one >page
echo object >kept.o
git add -f kept.o
commit one
git init -q --bare "$TMP/bare.git"
git remote add origin "$TMP/bare.git"

ok 'install-hook installs pre-receive' \
	"$hooks/install-hook" -t local:blog pre-receive "$TMP/bare.git"
fails 1 'and does not replace a hook' \
	"$hooks/install-hook" pre-receive "$TMP/bare.git"
like 'which it says' "$OUT" 'is there already'
ok 'unless told to' "$hooks/install-hook" -f pre-receive "$TMP/bare.git"
fails 2 'an unknown hook is a usage error' \
	"$hooks/install-hook" post-update "$TMP/bare.git"

ok 'a push to the branch' git push origin main
is 'is live' "$(live_file blog page)" one
is 'with what git tracks although it is ignored' "$(live_file blog kept.o)" \
	object
like 'who pushed sees the deploy' "$OUT" 'remote: deployed blog'
like 'the release knows its commit' "$DEPLOYD_ROOT/blog/current/seen" \
	"^DEPLOY_GIT_COMMIT=$(git rev-parse HEAD)\$"
unlike 'no GIT_ variable of the push is seen' \
	"$DEPLOYD_ROOT/blog/current/seen" '^GIT_'
first=$(live blog)

touch broken
echo two >page
commit two
fails 1 'a push whose build fails is rejected' git push origin main
like 'by the hook' "$OUT" 'pre-receive hook declined'
like 'who pushed sees why' "$OUT" 'remote: .*build'
is 'the old release is live' "$(live blog)" "$first"
is 'the branch is where it was' \
	"$(git --git-dir="$TMP/bare.git" rev-parse main)" \
	"$(git rev-parse HEAD^)"

git rm -q broken
echo three >page
commit three
ok 'the next push that builds' git push origin main
is 'is live' "$(live_file blog page)" three
third=$(live blog)

git checkout -q -b other
echo other >page
commit other
ok 'a push to another branch' git push origin other
is 'deploys nothing' "$(live blog)" "$third"
git checkout -q main

# With GIT_* set as git sets them for a hook, and more.
echo four >page
commit four
ok 'a push with GIT_ variables set' env GIT_TRACE2_PARENT_NAME=x \
	GIT_AUTHOR_NAME='Somebody Else' git push origin main
is 'deploys what was pushed' "$(live_file blog page)" four
is 'the repository is left alone' \
	"$(git --git-dir="$TMP/bare.git" config core.bare)" true

# post-receive: the push stands.
git init -q --bare "$TMP/post.git"
git remote add post "$TMP/post.git"
ok 'install-hook installs post-receive' \
	"$hooks/install-hook" -b main -t local:post post-receive "$TMP/post.git"
ok 'a push' git push post main
is 'is live' "$(live_file post page)" four
touch broken
commit broken
ok 'a push whose build fails is taken' git push post main
like 'but who pushed sees it' "$OUT" 'remote: pushed, but not deployed \(status 7\)'
is 'the branch is ahead' "$(git --git-dir="$TMP/post.git" rev-parse main)" \
	"$(git rev-parse HEAD)"
git rm -q broken
commit mended

# pre-push, in the clone.
git init -q --bare "$TMP/plain.git"
git remote set-url origin "$TMP/plain.git"
ok 'install-hook installs pre-push' \
	"$hooks/install-hook" -t local:site pre-push
echo 'not committed' >page
ok 'a push from the clone' git push origin main
is 'deploys the commit, not the directory' "$(live_file site page)" four
git checkout -q page
touch broken
commit broken
fails 1 'a push whose build fails' git push origin main
is 'does not happen' "$(git --git-dir="$TMP/plain.git" rev-parse main)" \
	"$(git rev-parse HEAD^)"
ok 'a push to another remote' git push post main
is 'deploys nothing' "$(live_file site page)" four
ok 'nor does one with --no-verify' git push --no-verify origin main

# From a subdirectory, a linked worktree, and a hook's environment.
git worktree add -q "$TMP/linked" -b linked
ok 'install-hook works with GIT_DIR set' env GIT_DIR="$TMP/nowhere" \
	"$hooks/install-hook" -f -b linked -t local:linked pre-push
cd "$TMP/linked" || exit 1
git rm -q broken
echo linked >page
commit linked
ok 'a push from a linked worktree' git push origin linked
is 'is live' "$(live_file linked page)" linked

done_testing
