#!/bin/sh
# Over a real sshd: what a person with a server and a key does, and what it
# costs on the wire.
# It takes long.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/sshd.sh"

sshd_available || skip_all 'sshd is not installed'
sshd_setup
sshd_start
link=$BUILD/t/lib/slowlink

how=

# The server's own environment is not the test's.
cat >"$TMP/deployd" <<END
#!/bin/sh
DEPLOYD_ROOT=$DEPLOYD_ROOT DEPLOYD_CONF=$DEPLOYD_CONF exec $DEPLOYD "\$@"
END
chmod 755 "$TMP/deployd"
cat >>"$SSH_CONFIG" <<END
Host measured
HostName 127.0.0.1
User $SSH_USER
IdentityFile $SSH_DIR/id_ed25519
IdentitiesOnly yes
HostKeyAlias piped
ProxyCommand $link -c $TMP/bytes $SSHD -i -f $SSH_DIR/sshd_config
END

over() {
	$how "$DEPLOY" -F "$SSH_CONFIG" --deployd="$TMP/deployd" "$@"
}

# The largest real tree that every machine has, and what makes trees hard.
if [ "$(find /usr/include -type f 2>/dev/null | head -n 500 | wc -l)" -eq 500 ]; then
	cp -a /usr/include app
else
	mkdir app
	cp -a "$TOP/src" app/src
fi
make_tree app/hard
long=$(printf 'x%.0s' $(seq 200))
(cd app && mkdir -p "$long/$long/$long/$long/$long" &&
	echo deep >"$long/$long/$long/$long/$long/file-$long")
find app -type f ! -perm -200 -exec chmod u+w {} +
find app -perm /7000 -exec chmod a-s,-t {} +
find app -type d -exec chmod 755 {} +
find app -type f -perm /100 -exec chmod 755 {} +
find app -type f ! -perm /100 -exec chmod 644 {} +
find app -name .git -prune -exec rm -rf {} +
cd app || exit 1
diag "$(find . -type f | wc -l) files, $(du -sk . | cut -f1) KiB"

ok 'a first deploy over a real sshd' over target:inc
same_tree 'arrives equal' . inc

# wire NAME: the bytes of one deploy of the measured host, in $wire.
wire() {
	rm -f "$TMP/bytes"
	ok "$1" over measured:inc
	wire=$(awk '{ s += $1 + $2 } END { print s + 0 }' "$TMP/bytes")
	diag "$wire bytes on the wire, SSH handshake included"
}

wire 'nothing changed'
ok 'costs under 10 KB' test "$wire" -lt 10000
rm -rf "$XDG_CACHE_HOME"
wire 'from a second machine without any cache'
ok 'costs under 10 KB too' test "$wire" -lt 10000
f=$(find . -name 'stdio.h' | head -n 1)
echo '/* edited */' >>"${f:-hard/one}"
wire 'an edit without a base'
diag "without a base"
echo '/* edited again */' >>"${f:-hard/one}"
wire 'an edit with a base'
ok 'costs under 40 KB' test "$wire" -lt 40000
same_tree 'and all is equal' . inc
old=$(stat -c %y hard/src/two)
printf 'TWO\n' >hard/src/two
touch -d "$old" hard/src/two
mv hard/src/deep hard/else
rm hard/none
mkdir hard/none
ok 'changes of every kind' over target:inc
same_tree 'arrive equal' . inc

# Keys of every kind.
cd "$TMP" || exit 1
make_tree small
for type in ed25519 ecdsa rsa; do
	how=forgetful
	ok "a key of type $type" over -C small "target-$type:keys"
done
how=
for type in ed25519 ecdsa rsa; do
	echo $type >small/one
	ok "the ssh program, $type" over -C small --transport=openssh \
		"target-$type:keys"
done

# CI: a key and known hosts in the environment, no home.
ci() {
	env -u HOME DEPLOY_KEY="$(cat "$SSH_DIR/id_$1")" \
		DEPLOY_KNOWN_HOSTS="$(sed "s/^[^ ]*/[127.0.0.1]:$SSH_PORT/" "$SSH_DIR/known_hosts")" \
		"$DEPLOY" -F /dev/null -C small -p "$SSH_PORT" \
		--deployd="$TMP/deployd" "$SSH_USER@127.0.0.1:ci"
}
ok 'DEPLOY_KEY and DEPLOY_KNOWN_HOSTS' ci ed25519
ok 'with an RSA key' ci rsa

# What took how long: each phase that there was, none before its time.
# When the tree is read is up to the machine.
timeline() {
	over -v -C small target:timed 2>"$TMP/report" || return 1
	sed -n 's/.*timeline in ms: //p' "$TMP/report" | tr , '\n' |
		sed 's/^ //' >"$TMP/timeline"
	awk '{ print $NF }' "$TMP/timeline" | sort -nc &&
		sed 's/ [0-9]*$//' "$TMP/timeline" | grep -vxE "scan|manifest" >"$TMP/phases"
}
phases() {
	printf '%s\n' "$@" | diff - "$TMP/phases"
}
mkdir -p small
printf '[hooks]\nbuild = true\n' >small/deploy.conf
echo 1 >small/timed
ok 'a timeline goes forwards' timeline
ok 'of a first deploy it has each phase' phases connect 'key exchange' \
	authentication exec need data stage build switch result
ok 'of one that changes nothing too' timeline
ok 'what did not happen is not in it' phases connect 'key exchange' \
	authentication exec result
rm small/deploy.conf small/timed

# A forced command.
cp "$SSH_DIR/authorized_keys" "$TMP/keys"
sed "s|^|restrict,command=\"$TMP/deployd --serve --app blog --allow deploy,read --as bob\" |" \
	"$TMP/keys" >"$SSH_DIR/authorized_keys"
ok 'a key with a forced command' over -C small target:blog
fails 4 'may not deploy another app' over -C small target:shop
fails 4 'nor roll back' over rollback target:blog
cp "$TMP/keys" "$SSH_DIR/authorized_keys"

fails 3 'a host that is not there' "$DEPLOY" -C small -F /dev/null \
	-p 1 "$SSH_USER@127.0.0.1:blog"
fails 3 'no deployd on the server' "$DEPLOY" -C small -F "$SSH_CONFIG" \
	--deployd=/no/such/deployd target:blog
like 'says how to install it' "$OUT" 'deploy setup'
fails 3 'a noisy shell instead of deployd' "$DEPLOY" -C small \
	-F "$SSH_CONFIG" --deployd=/bin/ls target:blog

done_testing
