#!/bin/sh
# Hooks: order, environment, failures before and after the switch, holding.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

make_tree app
cd app || exit 1
conf() {
	cat >deploy.conf
}
log=$TMP/order
export log

conf <<END
[hooks]
build = echo built >product; echo build \$(basename \$(readlink ../../current 2>/dev/null)) >>$log
build = test -f product
migrate = echo migrate >>$log
restart = echo restart \$(basename \$(readlink ../../current)) >>$log
check = echo check >>$log
END
ok 'a deploy with every hook' "$DEPLOY" local:blog
first=$(live blog)
is 'they ran in order, restart after the switch' "$(tr '\n' ' ' <"$log")" \
	"build migrate restart $first check "
like 'the commands are echoed' "$OUT" '^\+ test -f product'
ok 'the build ran in the release' test -f "$DEPLOYD_ROOT/blog/current/product"
: >"$log"
ok 'nothing to do runs no hook' "$DEPLOY" local:blog
is 'none ran' "$(cat "$log")" ''

echo 2 >two
conf <<END
[hooks]
build = echo so far so good; false
restart = true
END
fails 7 'a failing build is status 7' "$DEPLOY" local:blog
like 'the error says which command' "$OUT" "'?echo so far so good; false'?.*exited with 1|exited with 1"
is 'the old release stays live' "$(live blog)" "$first"
like 'and is named' "$OUT" "$first is live"
fails 7 'quietly too' "$DEPLOY" -q local:blog
like 'with the last lines of the hook' "$OUT" 'so far so good'
ok 'its log can be read' sh -c "'$DEPLOY' log local:blog | grep 'so far so good'"

conf <<END
[hooks]
migrate = exit 3
restart = true
END
fails 7 'a failing migrate is status 7' "$DEPLOY" local:blog
is 'nothing was switched' "$(live blog)" "$first"
like 'the message says that the database may have changed' "$OUT" 'database may have changed'

conf <<END
[hooks]
build = true
restart = echo restart \$DEPLOY_RELEASE >>$log
check = ! test -f bad
check_timeout = 2
END
echo fine >two
ok 'a good one' "$DEPLOY" local:blog
good=$(live blog)
: >"$log"
touch bad
fails 8 'a failing check is status 8' "$DEPLOY" local:blog
is 'the release before is live again' "$(live blog)" "$good"
is 'and was restarted' "$(tail -n 1 "$log")" "restart $good"
same='held'
fails 4 'the same tree again is held' "$DEPLOY" local:blog
like 'which is said' "$OUT" "$same"
like 'with what to do' "$OUT" '--force'
fails 8 'unless forced' "$DEPLOY" --force local:blog
rm bad
ok 'the tree that is live is no change' "$DEPLOY" local:blog

ok 'another good one' sh -c "echo 3 >three; '$DEPLOY' local:blog"
third=$(live blog)
: >"$log"
ok 'a rollback' "$DEPLOY" rollback local:blog
is 'goes to the one before' "$(live blog)" "$good"
is 'and restarts it' "$(cat "$log")" "restart $good"
fails 4 'the tree rolled back from is held' "$DEPLOY" local:blog
ok 'activate makes it live again' "$DEPLOY" activate local:blog "$third"
is 'at once' "$(live blog)" "$third"
ok 'and takes the hold away' sh -c "'$DEPLOY' local:blog"
ok 'rolling back to a named release' "$DEPLOY" rollback local:blog "$first"
is 'goes there' "$(live blog)" "$first"
fails 4 'an unknown release is refused' "$DEPLOY" rollback local:blog 20000101T000000Z-00000000
ok 'releases lists them' "$DEPLOY" releases local:blog
like 'marks what is live' "$OUT" "^\* .*$first"
ok 'status' "$DEPLOY" status local:blog
like 'says what is live' "$OUT" "$first"

# A first release whose check fails leaves nothing live.
conf <<END
[hooks]
check = false
check_timeout = 1
END
fails 8 'a first release that fails its check' "$DEPLOY" local:other
fails 1 'leaves nothing live' test -e "$DEPLOYD_ROOT/other/current"

# What hooks are told.
conf <<'END'
[hooks]
build = env >seen; pwd >where; ls -l /proc/self/fd >fds
restart = sleep 300 & echo $! >pid
END
mkdir -p "$DEPLOYD_ROOT/env-app"
printf 'SECRET="a b"\nOTHER=x\n' >"$DEPLOYD_ROOT/env-app/env"
chmod 600 "$DEPLOYD_ROOT/env-app/env"
rm -f bad
SHOULD_NOT=leak
export SHOULD_NOT
ok 'restart may leave a process behind' timeout 60 "$DEPLOY" local:env-app
cur=$DEPLOYD_ROOT/env-app/current
ok 'it lives on' kill -0 "$(cat "$cur/pid")"
kill "$(cat "$cur/pid")"
like 'the env file is there' "$cur/seen" '^SECRET=a b$'
like 'DEPLOY_APP' "$cur/seen" '^DEPLOY_APP=env-app$'
like 'DEPLOY_RELEASE' "$cur/seen" "^DEPLOY_RELEASE=$(live env-app)\$"
like 'DEPLOY_RELEASE_DIR' "$cur/seen" "^DEPLOY_RELEASE_DIR=$DEPLOYD_ROOT/env-app/releases/"
like 'a PATH of ours' "$cur/seen" '^PATH=.*/.local/bin:/usr/local/bin:/usr/bin:/bin$'
unlike 'nothing of the session' "$cur/seen" 'SHOULD_NOT'
is 'the build runs at the final path' "$(cat "$cur/where")" \
	"$DEPLOYD_ROOT/env-app/releases/$(live env-app)"
is 'no descriptor of ours is inherited' \
	"$(grep -v '/fds$' "$cur/fds" | grep -c -e 'srv' -e 'socket')" 0

conf <<'END'
[hooks]
restart = printf '\033]0;title\007 restarted\n'
END
ok 'a hook that would steer a terminal' "$DEPLOY" local:env-app
unlike 'cannot here' "$OUT" "$(printf '\033')"
echo next >next
ok 'another release' "$DEPLOY" local:env-app
ok 'nor where the server is' "$DEPLOYD" rollback env-app
like 'to which the rollback speaks' "$OUT" '\\x1b\]0;title\\x07 restarted'
unlike 'in full' "$OUT" "$(printf '\033')"

conf <<'END'
[hooks]
build = echo starting; sleep 60
build_timeout = 1
END
fails 7 'a build that takes too long' timeout 30 "$DEPLOY" local:env-app
like 'is told from other failures' "$OUT" 'longer than'

done_testing
