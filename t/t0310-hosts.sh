#!/bin/sh
# Which hosts are trusted: verified over a real sshd before we log in.
# shellcheck disable=SC2016,SC2317 # functions are called by ok
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/sshd.sh"
. "$TOP/t/lib/transport.sh"
sshd_start || skip_all 'sshd does not start here'

known=$SSH_DIR/known_hosts
cp "$known" "$SSH_DIR/all_hosts"
fingerprint=$(ssh-keygen -l -f "$SSH_DIR/host_ed25519.pub" | cut -d ' ' -f 2)
printed=$(echo "$fingerprint" | sed 's/+/[+]/g')
# A public key's type and its base64.
public() {
	cut -d ' ' -f 1,2 "$SSH_DIR/$1.pub"
}

: >"$known"
ok 'an unknown host without a terminal is status 3, with its fingerprint' \
	expect 3 "not a known host.*ED25519.*$printed" connect target
ok 'for a key of ssh as well' \
	expect 3 "not a known host.*ED25519.*$printed" connect target-rsa
ok 'and nothing was noted' [ ! -s "$known" ]
sed -n 's/.*add to [^ ]*: //p' "$TMP/report" >"$known"
ok 'the line that it shows is the right one' echoes target
: >"$known"
: >"$SSH_DIR/sshd.log"
ok 'no key of ours is shown to it' sh -c '! "$@" &&
	! grep -E "Accepted|Failed" "$TMP/ssh/sshd.log"' sh \
	"$CAT" -F "$SSH_CONFIG" -o BatchMode=yes target
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
ok 'another fingerprint is no answer' expect 3 'not trusted' "$PTY" \
	'yes/no/fingerprint' SHA256:x 'Type yes' no -- \
	sh -c '"$@" </dev/null' sh "$CAT" -F "$SSH_CONFIG" target
ok 'a question too ends with the limit of all' expect 3 'not trusted' "$PTY" \
	no question -- sh -c '"$@" </dev/null' sh \
	"$CAT" -F "$SSH_CONFIG" -T 1 target
strictly() {
	"$PTY" no question -- "$CAT" -F "$SSH_CONFIG" \
		-o StrictHostKeyChecking=yes target
}
ok 'StrictHostKeyChecking=yes does not ask' \
	expect 3 'not a known host' strictly
ok 'accept-new notes it unasked' echoes -o StrictHostKeyChecking=accept-new \
	-o HashKnownHosts=yes target
like 'hashed if so configured' "$known" '^\|1\|'
ok 'and hashed it is found again' echoes target
: >"$known"
ok 'StrictHostKeyChecking=off notes it too' \
	echoes -o StrictHostKeyChecking=off target
like 'in plain words' "$known" "^\[127.0.0.1\]:$SSH_PORT ssh-ed25519 "
printf '#a comment\njunk line\nnonsense\n' >"$known"
cat "$SSH_DIR/all_hosts" >>"$known"
ok 'a bad line is skipped' echoes target
ok 'with a warning' says 'known_hosts:3: .*skipped'
printf '# one\n[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(public id_ed25519)" >"$known"
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
	printf '@revoked * %s\n' "$(public host_ed25519)"
} >"$known"
ok 'a revoked key is refused' expect 3 'is revoked: .*known_hosts:7' \
	connect target
ok 'whatever StrictHostKeyChecking says' expect 3 'is revoked' \
	connect -o StrictHostKeyChecking=no target
echo '# nothing' >"$known"
printf '[127.0.0.*]:*,!web1 %s\n' "$(public host_ed25519)" >"$TMP/second"
two_files() {
	echoes -k libssh2 -o "UserKnownHostsFile=$known $TMP/second" "$@" target
}
ok 'a second file is read, and patterns are' two_files
printf '*,!127.0.0.1,![127.0.0.1]:* %s\n' "$(public host_ed25519)" >"$TMP/second"
ok 'what a pattern takes out is not known' eval '! two_files'
printf 'alias %s\n' "$(public host_ed25519)" >"$TMP/second"
ok 'HostKeyAlias' two_files -o HostKeyAlias=alias
printf '127.0.0.1 %s\n' "$(public host_ed25519)" >"$TMP/second"
ok 'a line without the port vouches, as for ssh' two_files
ok 'a global file counts' echoes -k libssh2 \
	-o "GlobalKnownHostsFile=$TMP/second" target
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

# A host with a certificate.
ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/ca"
ssh-keygen -q -s "$SSH_DIR/ca" -I host -h -n 127.0.0.1 \
	"$SSH_DIR/host_ed25519.pub"
echo "HostCertificate $SSH_DIR/host_ed25519-cert.pub" >>"$SSH_DIR/sshd_config"
sshd_stop
sshd_start || diag 'sshd does not start again'
printf '@cert-authority 127.0.0.1,[127.0.0.1]:* %s\n' "$(public ca)" >"$known"
ok 'a host that an authority vouches for is left to ssh' echoes -v target
ok 'which -v says' says 'transport: ssh, since .*authority'

# A server of rsa alone.
sed -i '/host_ed25519/d; /host_ecdsa/d' "$SSH_DIR/sshd_config"
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
printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(public id_rsa)" >"$known"
ok 'changed, it is refused with file and line' \
	expect 3 'has changed: .*known_hosts:1' connect target

done_testing
