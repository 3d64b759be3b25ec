#!/bin/sh
# Transports over a real sshd: what carries the bytes, who is let in, which
# hosts are trusted, and how a connection ends.
# shellcheck disable=SC2016,SC2317 # functions are called by ok
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/sshd.sh"

CAT=$BUILD/t/lib/transport-cat
PTY=$BUILD/t/lib/pty-answer
[ -x "$CAT" ] || skip_all 'transport-cat was not built'
sshd_available || skip_all "OpenSSH's sshd is not installed"

# Programs in deployd's place.
fake() {
	{
		echo '#!/bin/sh'
		cat
	} >"$TMP/$1"
	chmod +x "$TMP/$1"
}

echo 'exec cat' | fake cat
echo 'echo refused; echo sorry >&2; exit 4' | fake refuse
echo 'exit 7' | fake mute
echo 'head -c 3 >/dev/null; head -c 300000 /dev/zero; kill -9 $PPID' | fake cut
echo 'printf "first "; exec sleep 20' | fake hang
echo 'env | grep "^DEPLOY_KEY="; echo end; exec cat' | fake env
mkdir "$TMP/bin"
printf '#!/bin/sh\n[ "$*" = --serve ] && exec cat\n' >"$TMP/bin/deployd"
chmod +x "$TMP/bin/deployd"

unset SSH_AUTH_SOCK
sshd_setup || skip_all 'ssh-keygen failed'
sshd_start || skip_all 'sshd does not start here'

# Without a terminal, as in cron.
connect() {
	setsid -w timeout 60 "$CAT" -F "$SSH_CONFIG" -d "$TMP/cat" "$@"
}

# A word there and back.
echoes() {
	[ "$(echo hello | connect "$@" 2>"$TMP/report")" = hello ] || {
		cat "$TMP/report"
		return 1
	}
}

says() {
	grep -q -e "$1" "$TMP/report" || {
		cat "$TMP/report"
		return 1
	}
}

# answering QUESTION ANSWER HOST; libssh2 1.10 forgets 112 bytes of an
# encrypted ecdsa key, which a sanitizer would tell.
echo leak:libssh2 >"$TMP/lsan"
answering() {
	LSAN_OPTIONS=suppressions=$TMP/lsan:print_suppressions=0 \
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}fast_unwind_on_malloc=0 \
	"$PTY" "$1" "$2" -- sh -c 'file=$1; shift; "$@" <"$file"' sh \
		"$TMP/hello" "$CAT" -F "$SSH_CONFIG" -d "$TMP/cat" "$3" \
		>"$TMP/report" 2>&1
}

# expect STATUS PATTERN COMMAND...: it fails so, and says so.
expect() {
	expect_status=$1 expect_pattern=$2
	shift 2
	"$@" </dev/null >"$TMP/report" 2>&1
	expect_got=$?
	[ "$expect_got" -eq "$expect_status" ] &&
		grep -qE -e "$expect_pattern" "$TMP/report" && return 0
	echo "status $expect_got, want $expect_status and: $expect_pattern"
	cat "$TMP/report"
	return 1
}

echo hello >"$TMP/hello"

# Who carries what.
ok 'libssh2 carries an ed25519 key' echoes -k libssh2 target
ok 'libssh2 carries an ecdsa key' echoes -k libssh2 target-ecdsa
ok 'ssh carries any' echoes -k openssh target-rsa
ok 'by itself, libssh2 is taken' echoes -v target
ok 'and -v says so' says 'transport: libssh2'
ok 'it counts what crossed, the handshake too' says 'sent=1[0-9][0-9][0-9] '
ok 'it gives times' says 'connected=[1-9].* exec=[1-9]'
ok 'an rsa key works by itself' echoes -v target-rsa
ok 'by ssh where libssh2 cannot, and -v says why' \
	says 'transport: .*[0-9]'
ok 'a local deployd is run without SSH' \
	echoes -k local -d "$TMP/cat"
ok 'a certificate is left to ssh' \
	echoes -v -o "CertificateFile=$SSH_DIR/id_ed25519.pub" target
ok 'which -v says' says 'transport: ssh, since .*CertificateFile'
cat >"$TMP/my-ssh" <<END
#!/bin/sh
for last; do :; done
echo "\$last" >"$TMP/my-ssh.command"
exec cat
END
chmod +x "$TMP/my-ssh"
by_my_ssh() {
	DEPLOY_SSH=$TMP/my-ssh echoes anywhere
}
ok 'DEPLOY_SSH names another program' by_my_ssh
like 'which is given the command' "$TMP/my-ssh.command" 'deployd|/cat --serve'

# deployd is looked for where people put it.
cat >"$TMP/run-ssh" <<'END'
#!/bin/sh
for last; do :; done
HOME=$TMP/home; export HOME
exec sh -c "$last"
END
chmod +x "$TMP/run-ssh"
export TMP
by_home() {
	[ "$(DEPLOY_SSH=$TMP/run-ssh "$CAT" anywhere <"$TMP/hello")" = hello ]
}
mkdir -p "$HOME/.local/bin"
cp "$TMP/bin/deployd" "$HOME/.local/bin/deployd"
ok 'deployd is found in ~/.local/bin' by_home

# Keys.
sshd_agent id_rsa id_ecdsa id_ed25519 || diag 'no agent'
with_agent() {
	echoes -o "IdentityAgent=$SSH_AUTH_SOCK" "$@"
}
cp "$SSH_DIR/authorized_keys" "$SSH_DIR/all_keys"
allow() {
	: >"$SSH_DIR/authorized_keys"
	for allow_name; do
		cat "$SSH_DIR/$allow_name.pub" >>"$SSH_DIR/authorized_keys"
	done
}
allow id_ed25519
ok 'every key of an agent is tried' with_agent -k libssh2 agent
ok 'a public key file chooses one of the agent' \
	with_agent -k libssh2 -i "$SSH_DIR/id_ed25519.pub" \
	-o IdentitiesOnly=yes agent
ok 'IdentitiesOnly keeps to the files' expect 3 'does not let .* in' \
	connect -k libssh2 -o "IdentityAgent=$SSH_AUTH_SOCK" \
	-o IdentitiesOnly=yes -i "$SSH_DIR/id_ecdsa.pub" agent
allow id_rsa
ok 'an rsa key of an agent works too' with_agent -v agent
ok 'by ssh, when the others were refused' says 'transport: ssh, since'
cp "$SSH_DIR/all_keys" "$SSH_DIR/authorized_keys"
for type in ed25519 ecdsa rsa; do
	ok "an encrypted $type key is asked for" answering \
		"locked_$type" secret "locked-$type"
	ok 'and opens' says hello
	ok "without a terminal that is status 3, and said ($type)" \
		expect 3 'encrypted, and there is no' connect "locked-$type"
done
ok 'a wrong passphrase is asked for again' "$PTY" \
	'Passphrase of' wrong 'Passphrase of' secret -- sh -c \
	'"$@" </dev/null' sh "$CAT" -F "$SSH_CONFIG" -d "$TMP/refuse" \
	locked-ed25519
allow id_ecdsa
ok 'no passphrase is asked for a key that is refused anyway' \
	expect 3 'does not let .* in' connect -o BatchMode=yes locked-ed25519
cp "$SSH_DIR/all_keys" "$SSH_DIR/authorized_keys"
by_deploy_key() {
	key=$1
	shift
	DEPLOY_KEY=$(cat "$SSH_DIR/id_$key") echoes "$@"
}
for type in ed25519 ecdsa rsa; do
	ok "DEPLOY_KEY of $type" by_deploy_key "$type" agent
done
deploy_key_stays() {
	DEPLOY_KEY=secret connect -k local -d "$TMP/env" </dev/null \
		>"$TMP/environment" 2>&1
	! grep secret "$TMP/environment" && grep end "$TMP/environment"
}
ok 'which goes no further' deploy_key_stays
not_a_key() {
	DEPLOY_KEY=nonsense expect 3 'does not hold a private key' \
		connect target
}
ok 'and which has to be a key' not_a_key

# Hosts.
known=$SSH_DIR/known_hosts
cp "$known" "$SSH_DIR/all_hosts"
fingerprint=$(ssh-keygen -l -f "$SSH_DIR/host_ed25519.pub" | cut -d ' ' -f 2)
printed=$(echo "$fingerprint" | sed 's/+/[+]/g')
: >"$known"
ok 'an unknown host without a terminal is status 3, with its fingerprint' \
	expect 3 "not a known host.*ED25519.*$printed" connect target
ok 'for a key of ssh as well' \
	expect 3 "not a known host.*ED25519.*$printed" connect target-rsa
ok 'and nothing was noted' [ ! -s "$known" ]
sed -n 's/.*add to [^ ]*: //p' "$TMP/report" >"$known"
ok 'the line that it shows is the right one' echoes target
: >"$known"
ok 'on a terminal it is asked about: no' eval \
	'! answering "yes/no/fingerprint" no target'
ok 'which is what it then says' says 'was not trusted'
ok 'asked about: yes' answering 'yes/no/fingerprint' yes target
like 'is noted' "$known" "^\[127.0.0.1\]:$SSH_PORT ssh-ed25519 "
ok 'and then known' echoes target
: >"$known"
ok 'asked about: the fingerprint' \
	answering 'yes/no/fingerprint' "$fingerprint" target
: >"$known"
ok 'accept-new notes it unasked' echoes -o StrictHostKeyChecking=accept-new \
	-o HashKnownHosts=yes target
like 'hashed if so configured' "$known" '^\|1\|'
ok 'and hashed it is found again' echoes target
printf 'junk line\nnonsense\n' >"$known"
cat "$SSH_DIR/all_hosts" >>"$known"
ok 'a bad line is skipped' echoes target
ok 'with a warning' says 'known_hosts:2: .*skipped'
printf '# one\n[127.0.0.1]:%s %s\n' "$SSH_PORT" \
	"$(cut -d ' ' -f 1,2 "$SSH_DIR/id_ed25519.pub")" >"$known"
ok 'a changed key is refused, with file and line' \
	expect 3 'has changed: .*known_hosts:2' connect target
ok 'under accept-new too' expect 3 'has changed' \
	connect -o StrictHostKeyChecking=accept-new target
ok 'and no way around it is taken' expect 3 'has changed' connect \
	-o BatchMode=yes -i "$SSH_DIR/id_rsa" target
ok 'but for StrictHostKeyChecking=no' echoes -o StrictHostKeyChecking=no target
ok 'which warns' says 'warning: .*has changed'
{
	cat "$SSH_DIR/all_hosts"
	printf '@revoked * %s\n' \
		"$(cut -d ' ' -f 1,2 "$SSH_DIR/host_ed25519.pub")"
} >"$known"
ok 'a revoked key is refused' expect 3 'is revoked: .*known_hosts:7' \
	connect target
grep ecdsa "$SSH_DIR/all_hosts" >"$known"
ok 'the host shows the key by which it is known' echoes -k libssh2 target
grep ' ssh-rsa' "$SSH_DIR/all_hosts" >"$known"
ok 'a host that is known by an rsa key works' echoes -v target
: >"$known"
by_known_hosts() {
	DEPLOY_KNOWN_HOSTS=$(cat "$SSH_DIR/all_hosts") echoes "$@"
}
ok 'DEPLOY_KNOWN_HOSTS is believed' by_known_hosts target
ok 'by ssh too' by_known_hosts target-rsa
only_known_hosts() {
	DEPLOY_KNOWN_HOSTS='other ssh-ed25519 AAAA' expect 3 \
		'not a known host' connect \
		-o StrictHostKeyChecking=accept-new target
}
ok 'and nothing else then' only_known_hosts
cp "$SSH_DIR/all_hosts" "$known"
ok 'a host is not an option' expect 2 'cannot be the name' \
	connect -- -oProxyCommand=id
ok 'nor is a user' expect 2 'cannot be the name' connect -- -x@target
ok 'deployd is no shell command' expect 2 'only letters' connect \
	-d '/x;id' target

# Ways.
ok 'ProxyCommand' echoes -k libssh2 piped
ok 'ProxyCommand by ssh' echoes -k openssh piped
ok 'a ProxyCommand that fails says why' expect 3 'no-such-proxy' \
	connect -k libssh2 -o 'ProxyCommand=no-such-proxy %h' target
ok 'ProxyJump' echoes -k libssh2 -J target -i "$SSH_DIR/id_ed25519" jumped
master() {
	ssh -F "$SSH_CONFIG" -M -N -f -o "ControlPath=$SSH_DIR/master" \
		target </dev/null >/dev/null 2>&1 &&
		echoes -v -o "ControlPath=$SSH_DIR/master" target
	master_rc=$?
	ssh -F "$SSH_CONFIG" -O exit -o "ControlPath=$SSH_DIR/master" target \
		>/dev/null 2>&1
	return "$master_rc"
}
ok 'an open connection of ssh is used' master
ok 'and -v says so' says 'transport: ssh, since a connection'

# Ends.
head -c 20000000 /dev/urandom >"$TMP/big"
both_ways() {
	connect "$@" <"$TMP/big" >"$TMP/back" 2>"$TMP/report"
	cmp "$TMP/big" "$TMP/back" || {
		cat "$TMP/report"
		return 1
	}
}
ok '20 MB go both ways by libssh2' both_ways -k libssh2 target
ok 'and by ssh' both_ways -k openssh target
ok 'and locally' both_ways -k local
ok 'and through a proxy' both_ways -k libssh2 piped
refuses() {
	setsid -w timeout 60 "$CAT" -F "$SSH_CONFIG" -d "$TMP/refuse" "$@" \
		<"$TMP/big" >"$TMP/back" 2>"$TMP/report"
	[ "$(cat "$TMP/back")" = refused ] && grep -q 'exit=4 ' "$TMP/report" &&
		says 'errors=sorry'
}
ok 'a refusal is read while we send, by libssh2' refuses -k libssh2 target
ok 'by ssh' refuses -k openssh target
ok 'locally' refuses -k local
for kind in libssh2 openssh local; do
	ok "no deployd is status 3, with what to do ($kind)" \
		expect 3 'no deployd on|No such file' \
		connect -k "$kind" -d /no/such/deployd target
	ok "one that says nothing is status 3 ($kind)" \
		expect 3 'before it said a word, with status 7' \
		connect -k "$kind" -d "$TMP/mute" target
done
ok 'an unknown address is status 3' expect 3 'address' \
	connect -k libssh2 -o HostName=no-such-host.invalid target
ok 'a closed port is status 3' expect 3 'refused' connect -p 1 target
for kind in libssh2 openssh; do
	ok "a connection that breaks is status 6 ($kind)" \
		expect 6 'ended|broke' sh -c 'yes | "$@"' sh setsid -w \
		"$CAT" -F "$SSH_CONFIG" -d "$TMP/cut" -k "$kind" target
done
echo 'printf x; sleep 0.5; (sleep 15; kill -9 $PPID) >/dev/null 2>&1 &
kill -STOP $PPID; exec sleep 15' | fake stop
dead_peer() {
	dead_start=$(date +%s)
	expect 6 'has not answered|Timeout|broke' setsid -w timeout 60 "$CAT" \
		-F "$SSH_CONFIG" -d "$TMP/stop" -a 3 "$@" || return 1
	[ $(($(date +%s) - dead_start)) -lt 15 ]
}
ok 'a peer that is dead is found' dead_peer -k libssh2 target
ok 'by ssh too' dead_peer -k openssh target
kill -STOP "$SSHD_PID"
for kind in libssh2 openssh; do
	ok "a server that does not answer is status 3 ($kind)" \
		expect 3 'does not answer|imed out|broken' \
		connect -c 2 -k "$kind" target
done
kill -CONT "$SSHD_PID"
mkfifo "$TMP/silence"
exec 9<>"$TMP/silence"
gives_up() {
	gives_start=$(date +%s)
	setsid -w "$CAT" -F "$SSH_CONFIG" -d "$TMP/hang" -x 200 "$@" \
		<&9 >"$TMP/back" 2>&1
	[ $? -eq 6 ] && [ "$(cat "$TMP/back")" != '' ] &&
		[ $(($(date +%s) - gives_start)) -lt 20 ]
}
for kind in libssh2 openssh local; do
	ok "an abort does not wait ($kind)" gives_up -k "$kind" target
done

# A server that wants new keys all the time.
echo 'RekeyLimit 1M' >>"$SSH_DIR/sshd_config"
sshd_stop
sshd_start || diag 'sshd does not start again'
ok 'new keys are exchanged on the way' both_ways -k libssh2 target

# A server of rsa alone.
sed -i '/host_ed25519/d; /host_ecdsa/d; /RekeyLimit/d' "$SSH_DIR/sshd_config"
sshd_stop
sshd_start || diag 'sshd does not start again'
ok 'a host with an rsa key only works' echoes -v target
: >"$known"
printed=$(ssh-keygen -l -f "$SSH_DIR/host_rsa.pub" | cut -d ' ' -f 2 |
	sed 's/+/[+]/g')
ok 'unknown, it is status 3, with its fingerprint' \
	expect 3 "not a known host.*RSA.*$printed" connect target
sed -n 's/.*add to [^ ]*: //p' "$TMP/report" >"$known"
ok 'and the right line' echoes target
printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" \
	"$(cut -d ' ' -f 1,2 "$SSH_DIR/id_rsa.pub")" >"$known"
ok 'changed, it is refused with file and line' \
	expect 3 'has changed: .*known_hosts:1' connect target

done_testing
