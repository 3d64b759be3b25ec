#!/bin/sh
# Transports over a real sshd: what carries the bytes, who is let in, and the
# ways to the host.
# shellcheck disable=SC2016,SC2317 # functions are called by ok
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/sshd.sh"
. "$TOP/t/lib/transport.sh"

echo 'env | grep "^DEPLOY_KEY="; echo end; exec cat' | fake env
if [ -s /proc/net/if_inet6 ]; then
	echo 'ListenAddress ::1' >>"$SSH_DIR/sshd_config"
fi
sshd_start || skip_all 'sshd does not start here'

# Who carries what.
ok 'libssh2 carries an ed25519 key' echoes -k libssh2 target
ok 'libssh2 carries an ecdsa key' echoes -k libssh2 target-ecdsa
ok 'ssh carries any' echoes -k openssh target-rsa
ok 'by itself, libssh2 is taken' echoes -v target
ok 'and -v says so' says 'transport: libssh2'
ok 'it counts what crossed, the handshake too' says 'sent=1[0-9][0-9][0-9] '
ok 'it gives times' says 'connected=[1-9].* exec=[1-9]'
ok 'further channels of a connection carry, too' \
	echoes -k libssh2 -b 4 target
ok 'all at once, each its own' says 'branches: 4 opened, 4 echoed'
ok 'not more than there is room for' echoes -k libssh2 -b 12 target
ok 'which is seven' says 'branches: 7 opened'
ok 'with ssh there are none' echoes -k openssh -b 2 target
ok 'which a caller is told' says 'branches: 0 opened'
ok 'an rsa key works by itself' echoes -v target-rsa
ok 'by ssh where libssh2 cannot, and -v says why' \
	says 'transport: .*[0-9]'
ok 'a local deployd is run without SSH' \
	echoes -k local -d "$TMP/cat"
ok 'a certificate is left to ssh' \
	echoes -v -o "CertificateFile=$SSH_DIR/id_ed25519.pub" target
ok 'which -v says' says 'transport: ssh, since .*CertificateFile'
fake my-ssh <<'END'
for last; do :; done
echo "$last" >"$TMP/my-ssh.command"
exec cat
END
by_my_ssh() {
	DEPLOY_SSH=$TMP/my-ssh echoes anywhere
}
ok 'DEPLOY_SSH names another program' by_my_ssh
like 'which is given the command' "$TMP/my-ssh.command" 'deployd|/cat --serve'

# deployd is looked for where people put it, by any shell of the account.
fake run-ssh <<'END'
for last; do :; done
HOME=$TMP/home PATH=/usr/bin:/bin
export HOME PATH
exec "$LOGIN_SHELL" -c "$last"
END
mkdir -p "$HOME/.local/bin"
printf '#!/bin/sh\n[ "$*" = --serve ] && exec cat\n' >"$HOME/.local/bin/deployd"
chmod +x "$HOME/.local/bin/deployd"
by_shell() {
	# shellcheck disable=SC2088 # there it does
	for by_name in '' '~/.local/bin/deployd' "$HOME/.local/bin/deployd"; do
		[ "$(LOGIN_SHELL=$1 DEPLOY_SSH=$TMP/run-ssh "$CAT" \
			${by_name:+-d "$by_name"} x <"$TMP/hello")" = hello ] ||
			return 1
	done
}
for shell in sh bash csh tcsh fish zsh ksh; do
	if path=$(command -v $shell); then
		ok "$shell starts deployd of ~/.local/bin" by_shell "$path"
	else
		skip "$shell starts deployd of ~/.local/bin" 'not installed'
	fi
done

# Keys.
sshd_agent id_rsa id_ecdsa id_ed25519 || diag 'no agent'
with_agent() {
	echoes -o "IdentityAgent=$SSH_AUTH_SOCK" "$@"
}
cp "$SSH_DIR/authorized_keys" "$SSH_DIR/all_keys"
allow id_ed25519
ok 'every key of an agent is tried' with_agent -k libssh2 agent
ok 'a public key file chooses one of the agent' \
	with_agent -k libssh2 -i "$SSH_DIR/id_ed25519.pub" \
	-o IdentitiesOnly=yes agent
ok 'IdentitiesOnly keeps to the files' expect 3 'does not let .* in' \
	connect -k libssh2 -o "IdentityAgent=$SSH_AUTH_SOCK" \
	-o IdentitiesOnly=yes -i "$SSH_DIR/id_ecdsa.pub" agent
ok 'PubkeyAcceptedAlgorithms keeps keys back' \
	expect 3 'does not let .* in' connect -k libssh2 \
	-o PubkeyAcceptedAlgorithms=ecdsa-sha2-nistp256 target
allow id_rsa
ok 'an rsa key of an agent works too' with_agent -v agent
ok 'by ssh, when the others were refused' says 'transport: ssh, since'
cp "$SSH_DIR/all_keys" "$SSH_DIR/authorized_keys"
fake tell <<END
echo "\${SSH_AUTH_SOCK:-none}" >"$TMP/forwarded"
exec cat
END
forwarded() {
	"$CAT" -F "$SSH_CONFIG" -d "$TMP/tell" -o ForwardAgent=yes \
		-o "IdentityAgent=$SSH_AUTH_SOCK" "$@" agent <"$TMP/hello"
}
for by in openssh libssh2 auto; do
	rm -f "$TMP/forwarded"
	ok "$by: a host that an agent is forwarded to" forwarded -k $by
	is 'gets none of us' "$(cat "$TMP/forwarded")" none
done
ssh-add -q -D 2>/dev/null
n=0
while [ "$n" -lt 8 ]; do
	n=$((n + 1))
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/many$n"
	ssh-add -q "$TMP/many$n"
done
ok 'more keys than the server lets be tried are explained' \
	expect 3 'name the right one by -i' \
	connect -o "IdentityAgent=$SSH_AUTH_SOCK" target
ok 'and -i comes before them' \
	with_agent -k libssh2 -i "$SSH_DIR/id_ed25519" agent
for type in ed25519 ecdsa rsa; do
	ok "an encrypted $type key is asked for" answering \
		"locked_$type" secret "locked-$type"
	ok 'and opens' says hello
	ok "without a terminal that is status 3, and said ($type)" \
		expect 3 'encrypted, and there is no' connect "locked-$type"
done
ok 'a wrong passphrase is asked for again' "$PTY" \
	'Passphrase of' wrong 'Passphrase of' secret -- sh -c \
	'"$@" <"$TMP/hello"' sh "$CAT" -F "$SSH_CONFIG" -d "$TMP/cat" \
	locked-ed25519
ssh-keygen -q -t ecdsa -m PEM -N secret -f "$TMP/pem"
rm "$TMP/pem.pub"
right_but_refused() {
	"$PTY" 'Passphrase of' secret -- sh -c '"$@" <"$TMP/hello"' sh \
		"$CAT" -k libssh2 -F "$SSH_CONFIG" -d "$TMP/cat" \
		-i "$TMP/pem" agent >"$TMP/report" 2>&1
	[ $? -eq 3 ] && [ "$(grep -c Passphrase "$TMP/report")" -eq 1 ]
}
ok 'the right one of a key that is refused is not' right_but_refused
allow id_ecdsa
ok 'no passphrase is asked for a key that is refused anyway' \
	expect 3 'does not let .* in' connect -o BatchMode=yes locked-ed25519
ssh-keygen -q -t ed25519 -N '' -f "$TMP/ca"
ssh-keygen -q -t ed25519 -N '' -f "$TMP/certified"
ssh-keygen -q -s "$TMP/ca" -I x -n "$SSH_USER" "$TMP/certified.pub"
{
	printf 'cert-authority '
	cat "$TMP/ca.pub"
} >>"$SSH_DIR/authorized_keys"
ok 'a certificate beside a key is found' echoes -v -i "$TMP/certified" agent
ok 'and left to ssh' says 'transport: ssh, since'
cp "$SSH_DIR/all_keys" "$SSH_DIR/authorized_keys"

unset SSH_AUTH_SOCK

# CI: what is in the environment is enough, and stays there.
by_deploy_key() {
	key=$1
	shift
	DEPLOY_KEY=$(cat "$SSH_DIR/id_$key") echoes "$@"
}
for type in ed25519 ecdsa rsa; do
	ok "DEPLOY_KEY of $type" by_deploy_key "$type" agent
done
by_dos_key() {
	DEPLOY_KEY=$(sed 's/$/\r/' "$SSH_DIR/id_$1") echoes agent
}
ok 'DEPLOY_KEY with carriage returns' by_dos_key ed25519
ok 'by ssh too' by_dos_key rsa
# While ssh runs, its file would be there.
fake search <<END
grep -rlF '$(sed -n 3p "$SSH_DIR/id_rsa")' $TMP --exclude-dir=ssh \\
	--exclude=search >&2
exec cat
END
on_no_disk() {
	DEPLOY_KEY=$(cat "$SSH_DIR/id_rsa") connect -k openssh \
		-d "$TMP/search" agent <"$TMP/hello" >"$OUT.back" \
		2>"$TMP/report"
	grep -q hello "$OUT.back" && says 'errors=$'
}
ok 'it is on no disk' on_no_disk
deploy_key_stays() {
	DEPLOY_KEY=secret connect -k local -d "$TMP/env" </dev/null \
		>"$TMP/environment" 2>&1
	! grep secret "$TMP/environment" && grep end "$TMP/environment"
}
ok 'and goes no further' deploy_key_stays
not_a_key() {
	DEPLOY_KEY=nonsense expect 3 'does not hold a private key' \
		connect target
}
ok 'it has to be a key' not_a_key
# ci [COMMAND...]: no home, no configuration.
ci() {
	echo "$SSH_USER@127.0.0.1 -p $SSH_PORT" >"$TMP/report"
	[ "$(env -u HOME DEPLOY_KEY="$(cat "$SSH_DIR/id_ed25519")" \
		DEPLOY_KNOWN_HOSTS="$(cat "$SSH_DIR/known_hosts")" "$@" \
		"$CAT" -d "$TMP/cat" -p "$SSH_PORT" "$SSH_USER@127.0.0.1" \
		<"$TMP/hello" 2>"$TMP/report")" = hello ] || {
		cat "$TMP/report"
		return 1
	}
}
ok 'no home is needed' ci
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$TMP"
	ok 'nor an account' ci setpriv --reuid 64123 --regid 64123 \
		--clear-groups
else
	skip 'nor an account' 'takes root and setpriv'
fi

# Without OpenSSH's client.
mkdir "$TMP/no-ssh"
for program in sh cat env setsid timeout grep; do
	ln -s "$(command -v $program)" "$TMP/no-ssh/"
done
plain() {
	env PATH="$TMP/no-ssh" setsid -w timeout 60 "$CAT" -d "$TMP/cat" \
		-p "$SSH_PORT" "$@" \
		-o "UserKnownHostsFile=$SSH_DIR/known_hosts" \
		"$SSH_USER@127.0.0.1"
}
by_plain() {
	[ "$(plain "$@" <"$TMP/hello" 2>"$TMP/report")" = hello ] || {
		cat "$TMP/report"
		return 1
	}
}
ok 'without ssh, libssh2 does it' by_plain -i "$SSH_DIR/id_ed25519"
ok 'of several -o the first counts, as for ssh' by_plain \
	-o "IdentityFile $SSH_DIR/id_ed25519" -o StrictHostKeyChecking=yes \
	-o StrictHostKeyChecking=nonsense -F /dev/null
ok 'a proxy needs no ssh' by_plain -i "$SSH_DIR/id_ed25519" \
	-o "ProxyCommand=$SSHD -i -f $SSH_DIR/sshd_config"
for option in '-F file' '-J jump' '-o ProxyJump=jump' '-o RevokedHostKeys=/x' \
	'-o Compression=yes'; do
	# shellcheck disable=SC2086 # two words
	ok "$option takes ssh, it says" expect 3 \
		"${option%% *}.*(needs|understood by) .*not installed" \
		plain $option -i "$SSH_DIR/id_ed25519"
done
ok 'an rsa key is explained' expect 3 'libssh2 .*cannot sign' \
	plain -i "$SSH_DIR/id_rsa"
grep ' ssh-rsa' "$SSH_DIR/known_hosts" >"$TMP/rsa_hosts"
ok 'and so is a host of rsa' expect 3 'by which the host is known' \
	plain -i "$SSH_DIR/id_ed25519" -o "HostKeyAlias=[127.0.0.1]:$SSH_PORT" \
	-o "GlobalKnownHostsFile=$TMP/rsa_hosts" -o UserKnownHostsFile=none
refused_on_terminal() {
	"$PTY" no question -- sh -c '"$@" </dev/null' sh \
		env PATH="$TMP/no-ssh" "$CAT" -p "$SSH_PORT" \
		-o "UserKnownHostsFile=$SSH_DIR/known_hosts" \
		-i "$TMP/many1" 127.0.0.1
}
ok 'a key that is refused is said, on a terminal too' \
	expect 3 'does not accept the key' refused_on_terminal

mkdir "$TMP/elsewhere"
cp "$TMP/my-ssh" "$TMP/elsewhere/ssh"
by_ssh_elsewhere() {
	[ "$(DEPLOY_SSH=$TMP/elsewhere/ssh plain -F "$SSH_CONFIG" \
		<"$TMP/hello" 2>"$TMP/report")" = hello ]
}
ok 'unless DEPLOY_SSH has one' by_ssh_elsewhere

# Ways.
ok 'ProxyCommand' echoes -k libssh2 piped
ok 'ProxyCommand by ssh' echoes -k openssh piped
ok 'a ProxyCommand that fails says why' expect 3 'no-such-proxy' \
	connect -k libssh2 -o 'ProxyCommand=no-such-proxy %h' target
ok 'a token of ssh alone is left to it' \
	expect 3 'transport: ssh, since .*token' \
	connect -v -o 'ProxyCommand=true %C' target
ok 'ProxyJump' echoes -k libssh2 -J target -i "$SSH_DIR/id_ed25519" jumped
sed 's/^\[127.*/# &/' "$SSH_DIR/known_hosts" >"$SSH_DIR/no_hosts"
cat >>"$SSH_CONFIG" <<END
Host bastion
	HostName 127.0.0.1
	Port $SSH_PORT
	User $SSH_USER
	IdentityFile none
	UserKnownHostsFile $SSH_DIR/no_hosts
END
jump_by_secrets() {
	DEPLOY_KEY=$(cat "$SSH_DIR/id_ed25519")
	DEPLOY_KNOWN_HOSTS=$(cat "$SSH_DIR/known_hosts")
	export DEPLOY_KEY DEPLOY_KNOWN_HOSTS
	echoes -k libssh2 -J bastion jumped
}
ok 'DEPLOY_KEY and DEPLOY_KNOWN_HOSTS are good for the jump' jump_by_secrets
if [ -s /proc/net/if_inet6 ]; then
	ok 'IPv6' echoes -k libssh2 -6 -o HostName=::1 \
		-o "HostKeyAlias=[127.0.0.1]:$SSH_PORT" target
else
	skip 'IPv6' 'this machine has none'
fi
ok '-4 keeps to IPv4' expect 3 'address' connect -k libssh2 -4 \
	-o HostName=::1 target
master() {
	ssh -F "$SSH_CONFIG" -M -N -f -o "ControlPath=$SSH_DIR/master" \
		target </dev/null >/dev/null 2>&1 &&
		echoes -v -o "ControlPath=$SSH_DIR/master" target
}
ok 'an open connection of ssh is used' master
ok 'and -v says so' says 'transport: ssh, since a connection'
master_pid=$(ssh -F "$SSH_CONFIG" -O check -o "ControlPath=$SSH_DIR/master" \
	target 2>&1 | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
reap "$master_pid"
dead_master() {
	kill -STOP "$master_pid"
	"$PTY" no question -- "$CAT" -F "$SSH_CONFIG" -c 1 -a 1 \
		-o "ControlPath=$SSH_DIR/master" target
	dead_status=$?
	kill -CONT "$master_pid"
	return "$dead_status"
}
ok 'a dead one is found, on a terminal too' expect 3 'ssh -O exit' dead_master
ssh -F "$SSH_CONFIG" -O exit -o "ControlPath=$SSH_DIR/master" target \
	>/dev/null 2>&1

done_testing
