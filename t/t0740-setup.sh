#!/bin/sh
# deploy setup: from an account with nothing to one that is deployed to.
# shellcheck disable=SC2016 # expanded there
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/sshd.sh"

unset DEPLOYD_ROOT DEPLOYD_CONF
account=$TMP/account
ours=$account/.local/bin/deployd

# An ssh that goes nowhere: the account's shell, its home, nothing of ours.
# What lies in $TMP/faked comes first in PATH.
mkdir faked
cat >there <<END
#!/bin/sh
for last; do :; done
exec env -i HOME="$account" PATH="$TMP/faked:/usr/bin:/bin" \\
	"\${LOGIN_SHELL:-/bin/sh}" -c "\$last"
END
chmod 755 there
setup() {
	DEPLOY_SSH=$TMP/there "$DEPLOY" setup --binary="$DEPLOYD" "$@"
}
fake() {
	{
		echo '#!/bin/sh'
		cat
	} >"$1"
	chmod 755 "$1"
}
new_account() {
	rm -rf "$account"
	mkdir "$account"
}

# The first time, and again.
new_account
ok 'an account with nothing' setup ann@web1
like 'its machine is told' "$OUT" "^ann@web1: Linux .* home $account .* free"
like 'deployd is installed' "$OUT" "installed deployd [0-9.]* as $ours\$"
like 'the root is made' "$OUT" "made $account/apps"
like 'settings are written' "$OUT" "wrote $account/.config/deployd.conf"
like 'and what is next' "$OUT" 'ready: deploy ann@web1:APP'
ok 'the program is whole' cmp "$ours" "$DEPLOYD"
is 'and may be run by anybody' "$(stat -c %a "$ours")" 755
is 'nothing else is beside it' "$(ls -A "$account/.local/bin")" deployd
ok 'the settings hold' "$ours" setup --list
like 'every setting is shown' "$account/.config/deployd.conf" '^#keep = 5'
unlike 'and none is set' "$account/.config/deployd.conf" '^[a-z]'
sed 's/^#\([a-z[]\)/\1/' "$account/.config/deployd.conf" >all.conf
all_hold() {
	DEPLOYD_CONF=$TMP/all.conf HOME=$account "$DEPLOYD" setup --list
}
ok 'uncommented they hold too' all_hold
echo '# mine' >>"$account/.config/deployd.conf"
old=$(stat -c %i "$ours")
ok 'a second time' setup ann@web1
like 'it is there already' "$OUT" 'is there already'
like 'nothing was to be done' "$OUT" 'nothing was to be done'
is 'nor was it' "$(stat -c %i "$ours")" "$old"
like 'settings of ours stay' "$account/.config/deployd.conf" '^# mine$'
fake "$ours" <<'END'
echo deployd 0.0.9
END
ok 'an old one is upgraded' setup ann@web1
like 'from what to what' "$OUT" \
	"upgraded $ours from deployd 0.0.9 to deployd [0-9.]*\$"
ok 'to ours' cmp "$ours" "$DEPLOYD"
printf x >>"$ours"
ok 'so is one that differs' setup ann@web1
like 'though it has the same version' "$OUT" 'another build of it'
ok -q setup -q ann@web1
is '-q is silent' "$(cat "$OUT")" ''
printf '[deployd]\nroot = srv/apps\n' >"$account/.config/deployd.conf"
ok 'a root of the settings' setup ann@web1
ok 'is made' test -d "$account/srv/apps"

# Wherever the account is named.
setup_host() {
	fails "$1" "setup $3" setup "$3" </dev/null
	like 'goes there' "$OUT" "$2"
}
setup_host 0 '^web1: ' web1
setup_host 0 '^ann@web1: ' ann@web1:blog
setup_host 0 '^ann@web1: ' ssh://ann@web1:2222
setup_host 0 '^ann@::1: ' 'ann@[::1]'
setup_host 2 'is no target' 'ann@we b1'
printf '[remote "both"]\nurl = a@web1:x\nurl = a@web1:y\nurl = b@web2:x\n' \
	>deploy.conf
ok 'a remote' setup both
is 'each account once' "$(grep -c 'Linux' "$OUT")" 2
ok 'the default one' setup
rm deploy.conf
fails 2 'none' setup
fails 2 '--deployd has no meaning' setup --deployd=/x web1
fails 2 'nor has --binary with --remove' setup --remove web1
fails 2 '--remove is not for others' "$DEPLOY" status --remove local:x

# Any shell, and what it says.
for shell in sh dash bash csh tcsh fish zsh ksh; do
	if path=$(command -v $shell); then
		new_account
		mkdir -p "$account/.config/fish"
		for rc in .bashrc .cshrc .zshenv .config/fish/config.fish; do
			echo 'echo hello; echo -n deploy-setup 0' \
				>"$account/$rc"
		done
		LOGIN_SHELL=$path
		export LOGIN_SHELL
		[ "$shell" != bash ] || fake "$TMP/noisy-bash" <<'END'
. "$HOME/.bashrc"
exec bash "$@"
END
		[ "$shell" != bash ] || LOGIN_SHELL=$TMP/noisy-bash
		ok "$shell" setup ann@web1
		ok 'has it whole' cmp "$ours" "$DEPLOYD"
		ok 'and once more' setup ann@web1
		like 'knows' "$OUT" 'nothing was to be done'
		unset LOGIN_SHELL
	else
		skip "$shell" 'not installed'
	fi
done

# Refusals leave all as it was.
new_account
fake "$TMP/faked/uname" <<'END'
case $1 in
-s) echo Linux ;;
-m) echo "${MACHINE:-s390x}" ;;
*) echo 6.1 ;;
esac
END
fails 4 'another machine' setup ann@web1
like 'is told' "$OUT" "$DEPLOYD is for .*, not for s390x"
like 'with what to do' "$OUT" 'make static'
fails 4 'none for it at all' env DEPLOY_SSH="$TMP/there" "$DEPLOY" setup web1
like 'is said' "$OUT" 'no deployd here that could be sent to s390x|s390x'
fake "$TMP/faked/uname" <<'END'
echo FreeBSD
END
fails 4 'another system' setup ann@web1
like 'is told too' "$OUT" 'runs FreeBSD, and deployd needs Linux'
rm faked/uname
fake "$TMP/faked/df" <<'END'
echo Filesystem 1024-blocks Used Available Capacity Mounted on
echo /dev/x 100 0 100 100% /
END
fails 4 'no space' setup ann@web1
like 'tells the numbers' "$OUT" 'no space: deployd has [0-9]* bytes, 102400 are'
rm faked/df
is 'nothing was made' "$(ls -A "$account")" ''
fake "$TMP/faked/sha256sum" <<'END'
echo 0000 -
END
fails 4 'what arrives otherwise' setup ann@web1
like 'is not kept' "$OUT" 'not what was sent'
rm faked/sha256sum
is 'nor its beginning' "$(ls -A "$account/.local/bin")" ''
head -c 4096 "$DEPLOYD" >half
fails 4 'half a program' setup --binary=half ann@web1
like 'does not run, which is said' "$OUT" 'does not run there'
is 'and is gone' "$(ls -A "$account/.local/bin")" ''
echo text >text
fails 4 'another program' setup --binary="$(command -v env)" ann@web1
like 'is no deployd' "$OUT" 'it is no deployd: '
fails 1 'no program' setup --binary=text ann@web1
like 'is said' "$OUT" 'text is no program'
fails 1 'a file that is not there' setup --binary=none ann@web1
mkdir "$ours"
fails 4 'a directory in its place' setup ann@web1
like 'is named' "$OUT" 'is a directory'
rmdir "$ours"
if [ "$(id -u)" -ne 0 ]; then
	chmod 500 "$account/.local/bin"
	fails 4 'a directory that cannot be written' setup ann@web1
	chmod 700 "$account/.local/bin"
fi
printf '[deployd]\nrot = x\n' >"$account/deployd.conf"
mkdir -p "$account/.config"
mv "$account/deployd.conf" "$account/.config"
fails 4 'settings that do not hold' setup ann@web1
like 'are shown' "$OUT" 'deployd.conf:2'
ok 'the program is there all the same' test -x "$ours"
rm -r "$account/.config"
for shell in /bin/false /usr/sbin/nologin; do
	if [ -x $shell ]; then
		LOGIN_SHELL=$shell
		export LOGIN_SHELL
		fails 3 "an account with $shell" setup ann@web1
		unset LOGIN_SHELL
	fi
done
fake "$TMP/forced" <<END
exec env HOME="$account" "$DEPLOYD" --serve --app blog
END
forced() {
	DEPLOY_SSH=$TMP/forced "$DEPLOY" setup ann@web1
}
fails 4 'a key that is limited' forced
like 'is told apart' "$OUT" 'this key can start nothing else'
fails 3 'a host that is not there' "$DEPLOY" setup -F /dev/null \
	-p 1 nobody@127.0.0.1

# One of an admin's.
new_account
cp "$DEPLOYD" faked/deployd
ok 'another deployd in PATH' setup ann@web1
like 'is good enough' "$OUT" "is there already: $TMP/faked/deployd"
ok 'none is put beside it' test ! -e "$ours"
ok 'the rest is made' test -d "$account/apps"
fake "$TMP/faked/deployd" <<'END'
echo deployd 0.0.9
END
ok 'an older one' setup ann@web1
like 'is said to come first' "$OUT" "starts $TMP/faked/deployd .deployd 0.0.9., which"
ok 'ours is there' cmp "$ours" "$DEPLOYD"
rm faked/deployd

# A home that a web server cannot enter.
chmod 700 "$account"
ok 'a private home' setup ann@web1
like 'is noted, with the command' "$OUT" \
	"$account has mode 700: .*chmod o[+]x $account"

# What JSON says.
json() {
	setup --json "$@" >"$TMP/events" 2>/dev/null
}
printf x >>"$ours"
ok --json json ann@web1
ok 'is JSON' sh -c "'$BUILD/t/lib/json-lines' event <'$TMP/events'"
like 'has steps' "$TMP/events" '"event":"step","target":"ann@web1","state":"same","step":"root"'
like 'and versions' "$TMP/events" '"event":"setup".*"from":"deployd [0-9.]*","to":"deployd'
like 'and ends with a result' "$TMP/events" '"event":"result","verb":"setup","status":0'

# Away again.
remove() {
	DEPLOY_SSH=$TMP/there "$DEPLOY" setup --remove ann@web1
}
mkdir -p "$account/apps/blog" "$account/.ssh"
echo 'command="deployd --serve --app x" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f x' \
	>"$account/.ssh/authorized_keys"
ok '--remove' remove
like 'takes the program' "$OUT" "removed $ours"
like 'says that apps are left' "$OUT" "$account/apps, with the apps"
like 'and settings' "$OUT" "$account/.config/deployd.conf"
like 'and keys' "$OUT" "1 line for deployd in $account/.ssh/authorized_keys"
ok 'they are' test -d "$account/apps/blog"
ok 'the program is not' test ! -e "$ours"
ok 'once more' remove
like 'has nothing to do' "$OUT" 'there is no ~/.local/bin/deployd'

# This machine; and which program is sent by default.
local_setup() {
	HOME=$account XDG_CONFIG_HOME='' PATH=/usr/bin:/bin \
		"$DEPLOY" setup "$@"
}
ok local local_setup --binary="$DEPLOYD" local
like 'says how to deploy' "$OUT" 'deploy local:APP'
ok 'and has it' cmp "$ours" "$DEPLOYD"
cat >fixed.c <<'END'
#include <stdio.h>
int main(void) { return puts("deployd 9.9") < 0; }
END
mkdir -p usr/bin usr/lib/deploy usr/bin/static
cp "$DEPLOY" usr/bin
fixed=usr/lib/deploy/deployd-$(uname -m)
by_default() {
	HOME=$account XDG_CONFIG_HOME='' PATH=/usr/bin:/bin \
		usr/bin/deploy setup local
}
if cc -static -o "$fixed" fixed.c 2>/dev/null; then
	ok 'one that was installed for the machine' by_default
	like 'is sent' "$OUT" 'to deployd 9.9$'
	mv "$fixed" usr/bin/static/deployd
	rm "$ours"
	ok 'else one of make static' by_default
	ok 'is' cmp "$ours" usr/bin/static/deployd
	mv usr/bin/static/deployd usr/bin/deployd
	rm "$ours"
	ok 'else one beside deploy' by_default
	ok 'too' cmp "$ours" usr/bin/deployd
else
	skip 'one that needs no libraries' 'no static libc'
fi
cp "$DEPLOYD" usr/bin/deployd
fails 1 'but none that needs libraries' by_default
like 'which is said, with what to do' "$OUT" 'needs libraries that may not'
rm usr/bin/deployd
fails 1 'no program at all' by_default
like 'is said too' "$OUT" 'make static'

# What a deploy says without setup.
fake "$TMP/lacking" <<'END'
echo "deployd: error while loading shared libraries: libx.so.1: cannot open shared object file: No such file or directory" >&2
exit 127
END
mkdir app
echo one >app/one
deploy() {
	DEPLOY_SSH=$TMP/there "$DEPLOY" -C app "$@"
}
new_account
fails 3 'no deployd' deploy ann@web1:blog
like 'has a hint' "$OUT" 'deploy setup ann@web1'
fails 3 'one that lacks libraries' deploy --deployd="$TMP/lacking" web1:blog
like 'shows what it lacks' "$OUT" 'does not start: .*libx.so.1'
unlike 'and is not said to be missing' "$OUT" 'there is no deployd'
fails 3 'none here' deploy --deployd=no-such-deployd local:blog
ok 'after setup' setup ann@web1
ok 'a deploy finds it' deploy ann@web1:blog
ok 'in the root' test -f "$account/apps/blog/current/one"

# A real sshd, and an account of its own.
user=t-deploy-$$
if [ "$(id -u)" -ne 0 ] || ! command -v useradd >/dev/null; then
	skip 'a real account' 'takes root and useradd'
	done_testing
fi
if ! sshd_available || ! sshd_setup; then
	skip 'a real account' 'takes OpenSSH'
	done_testing
fi
gone() {
	gone_status=$?
	userdel "$user" >/dev/null 2>&1
	(exit "$gone_status")
	tap_exit
}
trap gone EXIT
# sshd reads its keys as the account, which has a home.
chmod 755 "$TMP" "$SSH_DIR"
sed -i /SetEnv/d "$SSH_DIR/sshd_config"
for shell in /bin/sh "$(command -v tcsh)" "$(command -v fish)"; do
	[ -n "$shell" ] || continue
	useradd -m -k /nonexistent -d "$TMP/home-$user" -s "$shell" \
		-p '*' "$user" 2>/dev/null || {
		skip "a real account with $shell" 'useradd fails here'
		continue
	}
	[ -n "$SSHD_PID" ] || sshd_start
	real=$TMP/home-$user
	[ "$shell" != /bin/sh ] || echo 'echo noise' >"$real/.profile"
	over() {
		"$DEPLOY" "$@" -F "$SSH_CONFIG" -C app
	}
	sed "s/User $SSH_USER/User $user/" "$SSH_CONFIG" >config
	cp config "$SSH_CONFIG"
	for kind in libssh2 openssh; do
		ok "setup of a real account with $shell by $kind" over setup \
			--binary="$DEPLOYD" --transport=$kind target
		ok 'and once more' over setup --binary="$DEPLOYD" \
			--transport=$kind "$user@target"
		like 'does nothing' "$OUT" 'nothing was to be done'
		ok 'a deploy' over --transport=$kind "$user@target:blog"
		ok 'goes there' test -f "$real/apps/blog/current/one"
		# By the names of owners: of a file that goes while it looks,
		# find holds any negated test for true.
		is 'all that was made is the account'"'"'s' "$(
			find "$real" ! -name .profile -printf '%u\n' 2>/dev/null |
				sort -u
		)" "$user"
		ok '--remove' over setup --remove --transport=$kind target
		ok 'takes it away' test ! -e "$real/.local/bin/deployd"
	done
	userdel "$user" >/dev/null 2>&1
	rm -rf "$real"
	sed "s/User $user/User $SSH_USER/" "$SSH_CONFIG" >config
	cp config "$SSH_CONFIG"
done

done_testing
