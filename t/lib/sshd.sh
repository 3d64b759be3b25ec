# shellcheck shell=sh
# A private sshd for tests, all of it in $TMP/ssh, and an ssh_config that
# leads to it; nobody's ~/.ssh is read or written, and HOME there is empty:
# bash reads its ~/.bashrc below sshd, which may take a second.  After
# lib/tap.sh:
#
#	. "$TOP/t/lib/sshd.sh"
#	sshd_available || skip_all 'sshd is not installed'
#	sshd_setup
#	sshd_start
#	"$DEPLOY" -F "$SSH_CONFIG" target:blog ...
#
#	SSH_DIR      keys: host_TYPE, id_TYPE, locked_TYPE (the passphrase is
#	             `secret'); TYPE is ed25519, ecdsa, rsa
#	SSH_CONFIG   Host target: the sshd; Host target-TYPE: the same with one
#	             key only; Host piped: the same through ProxyCommand and
#	             `sshd -i', for which sshd_start is not needed
#	SSH_PORT     set by sshd_start
#	SSHD_PID     set by sshd_start; the process ends with the test
#	SSH_USER     who runs the test, the only one who can log in
#
# Lines for sshd: printf ... >>"$SSH_DIR/sshd_config" before sshd_start, or
# sshd_stop and sshd_start again.

SSHD_PID=

# Not in PATH of a plain user everywhere.
sshd_find() {
	for sshd_dir in /usr/sbin /usr/local/sbin /usr/lib/ssh /usr/bin; do
		[ ! -x "$sshd_dir/sshd" ] || {
			echo "$sshd_dir/sshd"
			return 0
		}
	done
	command -v sshd
}

sshd_available() {
	SSHD=$(sshd_find) && command -v ssh >/dev/null &&
		command -v ssh-keygen >/dev/null
}

# sshd checks shadow itself without PAM, and takes no key of a locked account.
sshd_pam() {
	if [ "$(id -u)" -eq 0 ] &&
		getent shadow "$SSH_USER" 2>/dev/null | grep -q '^[^:]*:!'; then
		echo yes
	else
		echo no
	fi
}

sshd_key() {
	[ -f "$SSH_DIR/$1_$2" ] ||
		ssh-keygen -q -t "$2" -N "$3" -C "$1_$2" -f "$SSH_DIR/$1_$2" \
			</dev/null
}

# forgetful COMMAND...: with an ecdsa key, of which libssh2 1.10 forgets 112
# bytes; a sanitizer shall not mind.
forgetful() {
	echo leak:libssh2 >"$SSH_DIR/lsan"
	env LSAN_OPTIONS="suppressions=$SSH_DIR/lsan:print_suppressions=0" \
		ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}fast_unwind_on_malloc=0" \
		"$@"
}

sshd_setup() {
	SSH_DIR=$TMP/ssh
	SSH_CONFIG=$SSH_DIR/config
	SSH_USER=$(id -un)
	mkdir -p "$SSH_DIR/home" && chmod 700 "$SSH_DIR" || return 1
	for sshd_type in ed25519 ecdsa rsa; do
		sshd_key host "$sshd_type" '' && sshd_key id "$sshd_type" '' &&
			sshd_key locked "$sshd_type" secret || return 1
	done
	cat "$SSH_DIR"/id_*.pub "$SSH_DIR"/locked_*.pub \
		>"$SSH_DIR/authorized_keys"
	cat >"$SSH_DIR/sshd_config" <<END
ListenAddress 127.0.0.1
PidFile none
HostKey $SSH_DIR/host_ed25519
HostKey $SSH_DIR/host_ecdsa
HostKey $SSH_DIR/host_rsa
AuthorizedKeysFile $SSH_DIR/authorized_keys
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM $(sshd_pam)
UseDNS no
PrintMotd no
MaxStartups 100
Subsystem sftp internal-sftp
SetEnv HOME=$SSH_DIR/home
END
	sshd_configure 1
	if [ "$(id -u)" -eq 0 ] && [ ! -d /run/sshd ]; then
		mkdir -p /run/sshd && chmod 755 /run/sshd || return 1
	fi
}

# What both the client's entries and known_hosts say of the port.
sshd_configure() {
	SSH_PORT=$1
	for sshd_type in ed25519 ecdsa rsa; do
		printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" \
			"$(cut -d ' ' -f 1,2 "$SSH_DIR/host_$sshd_type.pub")"
		printf 'piped %s\n' \
			"$(cut -d ' ' -f 1,2 "$SSH_DIR/host_$sshd_type.pub")"
	done >"$SSH_DIR/known_hosts"
	{
		for sshd_type in ed25519 ecdsa rsa; do
			cat <<END
Host target-$sshd_type
	IdentityFile $SSH_DIR/id_$sshd_type
Host locked-$sshd_type
	IdentityFile $SSH_DIR/locked_$sshd_type
END
		done
		cat <<END
Host target piped
	IdentityFile $SSH_DIR/id_ed25519
Host agent
	IdentityFile none
Host target target-* locked-* agent jumped
	HostName 127.0.0.1
	Port $SSH_PORT
Host piped
	HostKeyAlias piped
	ProxyCommand $SSHD -i -f $SSH_DIR/sshd_config
Host *
	User $SSH_USER
	UserKnownHostsFile $SSH_DIR/known_hosts
	GlobalKnownHostsFile none
	IdentityAgent none
	IdentitiesOnly no
	HashKnownHosts no
	GSSAPIAuthentication no
	ConnectTimeout 10
END
	} >"$SSH_CONFIG"
}

# A port that nobody has: sshd is asked, which knows.
sshd_start() {
	sshd_try=0
	while [ "$sshd_try" -lt 30 ]; do
		sshd_try=$((sshd_try + 1))
		sshd_configure $((20000 + ($$ * 31 + sshd_try * 977 + \
			$(date +%S | sed 's/^0//')) % 30000))
		"$SSHD" -D -e -f "$SSH_DIR/sshd_config" -p "$SSH_PORT" \
			>"$SSH_DIR/sshd.log" 2>&1 </dev/null &
		SSHD_PID=$!
		reap "$SSHD_PID"
		sshd_wait && return 0
	done
	cat "$SSH_DIR/sshd.log"
	return 1
}

sshd_wait() {
	sshd_tries=0
	while [ "$sshd_tries" -lt 100 ]; do
		sshd_tries=$((sshd_tries + 1))
		! grep -q 'Server listening' "$SSH_DIR/sshd.log" || return 0
		kill -0 "$SSHD_PID" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

sshd_stop() {
	[ -z "$SSHD_PID" ] || kill "$SSHD_PID" 2>/dev/null
	[ -z "$SSHD_PID" ] || wait "$SSHD_PID" 2>/dev/null
	SSHD_PID=
}

# sshd_agent KEY...: an agent of the test's, SSH_AUTH_SOCK set.
sshd_agent() {
	SSH_AUTH_SOCK=$SSH_DIR/agent
	export SSH_AUTH_SOCK
	rm -f "$SSH_AUTH_SOCK"
	ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 2>&1 </dev/null &
	SSH_AGENT_PID=$!
	reap "$SSH_AGENT_PID"
	sshd_tries=0
	while [ ! -S "$SSH_AUTH_SOCK" ] && [ "$sshd_tries" -lt 100 ]; do
		sshd_tries=$((sshd_tries + 1))
		sleep 0.05
	done
	for sshd_name in "$@"; do
		ssh-add -q "$SSH_DIR/$sshd_name" </dev/null || return 1
	done
}
