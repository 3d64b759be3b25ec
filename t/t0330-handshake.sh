#!/bin/sh
# What is waited for until the remote program runs: no answer that is known
# beforehand.
# shellcheck disable=SC2317 # functions are called by ok
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/sshd.sh"
. "$TOP/t/lib/transport.sh"

# Without input, whose end is one packet as its beginning would be another.
echo 'echo hello' | fake greet
through() {
	rm -f "$TMP/count"
	through_options=$1
	shift
	[ "$(connect -k libssh2 -d "$TMP/greet" "$@" \
		-o "ProxyCommand=$LINK $through_options -c $TMP/count $SSHD -i -f $SSH_DIR/sshd_config" \
		piped </dev/null 2>"$TMP/report")" = hello ] || {
		cat "$TMP/report"
		return 1
	}
}
# KEXINIT, its exchange, key, signature and channel, exec, end, goodbye: all
# that comes after something was answered.
no_more_turns_than() {
	read -r up down turns <"$TMP/count"
	[ "$turns" -le "$1" ] || {
		echo "$turns turns; $up bytes up, $down down"
		return 1
	}
}

ok 'a slow link is used' through '-d 50'
ok 'no round trip goes for nothing' no_more_turns_than 7
sshd_agent id_ed25519 || diag 'no agent'
ok 'nor with a key of an agent' through '-d 50' \
	-o "IdentityAgent=$SSH_AUTH_SOCK" -i "$SSH_DIR/id_ed25519.pub" \
	-o IdentitiesOnly=yes
ok 'which signs at once' no_more_turns_than 7
unset SSH_AUTH_SOCK

# Whoever refuses the first signature has seen the channel asked for too early.
allow id_ecdsa id_ed25519
ok 'a key that is refused is followed by another' through '' \
	-i "$SSH_DIR/id_rsa" -i "$SSH_DIR/id_ecdsa"
printf 'AuthenticationMethods publickey,publickey\n' >>"$SSH_DIR/sshd_config"
ok 'two keys of which the server wants both' through '' \
	-i "$SSH_DIR/id_ed25519" -i "$SSH_DIR/id_ecdsa"
ok 'take a second connection' \
	[ "$(wc -l <"$TMP/count")" -eq 2 ]
one_key() {
	expect 3 'does not let .* in' connect -k libssh2 -o BatchMode=yes piped
}
ok 'one of them is not enough' one_key

done_testing
