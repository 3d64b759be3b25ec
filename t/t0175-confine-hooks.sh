#!/bin/sh
# What hooks may do: what they inherit, and `confine = yes'.

# Not below /tmp, which hooks may write.
TMPDIR=${DEPLOY_BUILD:-$(dirname "$0")/../build}
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

case $TMP in
/tmp/* | /var/tmp/*) skip_all 'the objects are where hooks may write' ;;
esac
mkdir -p app "$HOME/.ssh" "$HOME/downloads" "$DEPLOYD_ROOT/other/shared"
echo key >"$HOME/.ssh/authorized_keys"
cat >app/deploy.conf <<'END'
[app]
shared = storage/
[hooks]
build = ./probe build
migrate = ./probe migrate
restart = ./probe restart
check = ./probe check
END
cat >app/probe <<'END'
#!/bin/sh
# The account's home is that of whoever runs this test: no place to write to.
home=@HOME@
# can WHAT COMMAND: whether the command succeeds.
can() {
	what=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "$stage can $what"
	else
		echo "$stage cannot $what"
	fi
}
write() { echo x >"$1"; }
move() { mkdir -p a b && echo x >a/x && mv a/x b/x && ln b/x a/x && ln -sf x b/y && rm -r a b; }
app=${DEPLOY_RELEASE_DIR%/releases/*}
stage=$1
can 'write its release' write made
can 'move about in it' move
can 'write shared files' write "$DEPLOY_SHARED_DIR/made"
can 'write them by the link' write storage/made
can 'write the cache' write "$DEPLOY_CACHE_DIR/made"
can 'write temporary files' write "/tmp/probe.$$"
rm -f "/tmp/probe.$$"
can 'write to nowhere' write /dev/null
can 'write downloads' write "$home/downloads/made"
can 'read ssh keys' cat "$home/.ssh/authorized_keys"
can 'change ssh keys' write "$home/.ssh/authorized_keys2"
can 'make a file at home' write "$home/.profile"
can 'write the history' write "$app/.deployd/history.x"
can 'switch' ln -sfn /nowhere "$app/current.x"
can 'change variables' write "$app/env.x"
can 'write another app' write "$app/../other/shared/x"
can 'gain privileges' grep -q 'NoNewPrivs:.*0' /proc/self/status
can 'run programs' env true
echo "$stage has" $(for fd in /proc/self/fd/*; do
	[ ! -e "$fd" ] || basename "$fd"
done)
echo "$stage knows" $(env | sed '/^XDG_RUNTIME_DIR=/d; s/=.*//' | sort)
END
sed -i "s|@HOME@|$HOME|" app/probe
chmod 755 app/probe

# What this shell has open or knows is no hook's.
exec 7<app/probe
SSH_AUTH_SOCK=/nowhere SSH_CONNECTION='::1 1 ::1 2' SSH_ORIGINAL_COMMAND=x
DEPLOY_KEY=secret SECRET=secret
export SSH_AUTH_SOCK SSH_CONNECTION SSH_ORIGINAL_COMMAND DEPLOY_KEY SECRET

ok 'hooks that are not confined' "$DEPLOY" local:blog app
# said WHAT [STAGE]
said() {
	sed -n "s/^.*${2:-build} $1 //p" "$OUT"
}
# inherited WHO: each kind of hook, of the deploy before.
inherited() {
	for stage in build migrate restart check; do
		is "$1: what $stage has open is three streams" \
			"$(said has $stage)" '0 1 2'
		is "$1: it knows what is told, and no more" \
			"$(said knows $stage)" \
			"DEPLOY_APP DEPLOY_CACHE_DIR DEPLOY_GIT_COMMIT$(
			) DEPLOY_PREVIOUS_DIR DEPLOY_RELEASE DEPLOY_RELEASE_DIR$(
			) DEPLOY_REMOTE DEPLOY_SHARED_DIR HOME LANG LOGNAME PATH$(
			) PWD TMPDIR USER"
	done
}
is 'can do all that the account can' "$(said cannot)" ''
inherited 'not confined'
cp app/probe probe
ok 'a command that is run' "$DEPLOY" run -t local:blog -- ./probe run
is 'has three streams as well' "$(said has run)" '0 1 2'
unlike 'and knows nothing of the connection' "$(said knows run)" 'SSH|KEY|SECRET'
rm -f "$DEPLOYD_ROOT"/blog/current.x "$DEPLOYD_ROOT"/blog/env.x \
	"$HOME/.ssh/authorized_keys2"

# Where the kernel has it.
echo '[app "blog"]
confine = yes' >"$DEPLOYD_CONF"
echo 1 >app/one
if "$DEPLOY" local:blog app >"$TMP/first" 2>&1; then
	echo 2 >app/one
	ok 'confined hooks' "$DEPLOY" local:blog app
	is 'can write what is theirs' "$(said can)" 'write its release
move about in it
write shared files
write them by the link
write the cache
write temporary files
write to nowhere
read ssh keys
run programs'
	is 'and nothing else' "$(said cannot)" 'write downloads
change ssh keys
make a file at home
write the history
switch
change variables
write another app
gain privileges'
	inherited confined
	for stage in migrate restart check; do
		is "so it is with $stage" "$(sed -n \
			"s/^.*$stage can/can/p; s/^.*$stage cannot/cannot/p" \
			"$OUT")" "$(sed -n \
			's/^.*build can/can/p; s/^.*build cannot/cannot/p' "$OUT")"
	done
	ok 'and with a command' "$DEPLOY" run -t local:blog -- \
		sh -c "echo x >$HOME/.profile || echo refused"
	like 'that is run' "$OUT" refused
	ok 'a rollback' "$DEPLOY" rollback local:blog
	like 'is confined as well' "$OUT" 'restart cannot write the history'
	echo 'writable = ~/downloads' >>"$DEPLOYD_CONF"
	echo 3 >app/one
	ok 'what the admin adds' "$DEPLOY" local:blog app
	like 'can be written' "$OUT" 'build can write downloads'
	like 'but no more' "$OUT" 'build cannot make a file at home'
	# As somebody may have left it while hooks were not confined.
	mkdir "$HOME/lent"
	mkdir linking
	printf '[hooks]\nbuild = . ./hook\n' >linking/deploy.conf
	cat >linking/hook <<-'END'
		echo x >"$DEPLOY_SHARED_DIR/made" && echo through || echo held
	END
	printf '[app "linking"]\nconfine = yes\n' >>"$DEPLOYD_CONF"
	ok 'shared files of another app' "$DEPLOY" local:linking linking
	like 'can be written' "$OUT" 'through'
	rm -r "$DEPLOYD_ROOT/linking/shared"
	ln -s "$HOME/lent" "$DEPLOYD_ROOT/linking/shared"
	ok 'if there is a link in their place' "$DEPLOY" --rebuild local:linking linking
	like 'what it leads to cannot' "$OUT" 'held'
	is 'and is not' "$(ls "$HOME/lent")" ''
	sed -i '/linking/,$d' "$DEPLOYD_CONF"
	echo "writable = $TMP/missing" >>"$DEPLOYD_CONF"
	echo 4 >app/one
	fails 4 'what is not there' "$DEPLOY" local:blog app
	like 'is named' "$OUT" "writable: $TMP/missing of blog: No such file"
	ok 'the other apps' "$DEPLOY" local:other app
	is 'are not concerned' "$(said cannot)" ''
else
	like 'without Landlock there are no confined hooks' "$TMP/first" \
		'needs Landlock'
fi
if command -v strace >/dev/null; then
	sed -i '/missing/d' "$DEPLOYD_CONF"
	cat >without <<END
#!/bin/sh
exec strace -f -o /dev/null -e inject=landlock_create_ruleset:error=ENOSYS \
	$DEPLOYD "\$@"
END
	chmod 755 without
	echo 5 >app/one
	fails 4 'a kernel without Landlock runs no confined hook' \
		"$DEPLOY" --deployd="$TMP/without" local:blog app
	like 'which is said' "$OUT" 'confine = yes for blog, .*Landlock'
	unlike 'and none ran' "$OUT" 'build can'
else
	skip 'a kernel without Landlock' 'there is no strace'
fi
echo '[app "blog"]
confine = perhaps' >"$DEPLOYD_CONF"
fails 4 'a value that is none' "$DEPLOY" local:blog app
like 'is an error' "$OUT" 'deployd.conf:2: confine is yes or no'
done_testing
