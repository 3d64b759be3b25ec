#!/bin/sh
# Further channels for the files, where a round trip takes long.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"
. "$TOP/t/lib/sshd.sh"

sshd_available || skip_all 'sshd is not installed'
sshd_setup
link=$BUILD/t/lib/slowlink

# remote NAME: what over runs there from now on, in a file of its own: a
# channel of an earlier deploy may begin only now.
remote() {
	remote=$TMP/deployd.$1
	{
		cat <<END
#!/bin/sh
export DEPLOYD_ROOT=$DEPLOYD_ROOT DEPLOYD_CONF=$DEPLOYD_CONF
unset DEPLOY_TRACE
END
		cat
	} >"$remote"
	chmod 755 "$remote"
}
remote plain <<END
exec $DEPLOYD "\$@"
END

# host NAME DELAY [FILE]: so far away, with lines of FILE for its sshd.
host() {
	cat "$SSH_DIR/sshd_config" ${3:+"$3"} >"$SSH_DIR/sshd_config.$1"
	cat >>"$SSH_CONFIG" <<END
Host $1
HostName 127.0.0.1
User $SSH_USER
IdentityFile $SSH_DIR/id_ed25519
IdentitiesOnly yes
HostKeyAlias piped
ProxyCommand $link -d $2 $SSHD -i -f $SSH_DIR/sshd_config.$1
END
}
host near 0
host far 30
echo 'MaxSessions 2' >"$TMP/two"
host strict 30 "$TMP/two"

over() {
	rm -f "$TMP/frames"
	DEPLOY_TRACE=$TMP/frames timeout 120 "$DEPLOY" -F "$SSH_CONFIG" \
		--deployd="$remote" -v "$@"
}

# sent TYPE: how many such frames the client has sent.
sent() {
	grep -ac "^> $1 " "$TMP/frames"
}

make_tree app
cd app || exit 1
i=0
while [ $i -lt 60 ]; do
	head -c 60000 /dev/urandom >random$i
	i=$((i + 1))
done
head -c 14000000 /dev/urandom >large

ok 'much, near by' over near:near
unlike 'takes no further channel' "$OUT" 'further'
same_tree 'and arrives' . near

export DEPLOY_LANES=2
ok 'much, far away' over far:far
like 'takes two' "$OUT" 'a round trip takes [0-9]* ms: 2 further channels'
is 'which join' "$(sent put)" 2
ok 'each channel is told what comes there' test "$(sent part)" -ge 3
same_tree 'and arrives' . far
is 'nothing is left of them' "$(ls "$DEPLOYD_ROOT/far/.deployd/put" 2>/dev/null)" ''

rm -rf "$XDG_CACHE_HOME"
echo 'something else' >one
ok 'little, far away' over far:far
unlike 'takes none' "$OUT" 'further channels'

ok 'where the server refuses some' over strict:strict
like 'they are missed' "$OUT" 'a further channel ended'
same_tree 'and all arrives by the others' . strict

# A lane whose deployd dies in the middle.
remote early <<END
if mkdir "\$0.main" 2>/dev/null; then
	exec $DEPLOYD "\$@"
fi
exec head -c 300 | $DEPLOYD "\$@"
END
ok 'where some end early' over far:early
same_tree 'all arrives' . early

# A file that changes while its chunks are on several channels: what is live
# is what it is at the end.  The first channel carries what is before it only,
# until it has changed.
remote changes <<END
if mkdir "\$0.main" 2>/dev/null; then
	{
		dd bs=1024 count=200 2>/dev/null
		until [ -e "$TMP/changed" ]; do
			sleep 0.05
		done
		cat
	} | $DEPLOYD "\$@"
	exit
fi
printf changed | dd of="$PWD/large" bs=1 seek=12000000 conv=notrunc 2>/dev/null
: >"$TMP/changed"
exec $DEPLOYD "\$@"
END
ok 'a file changes meanwhile' over --bwlimit=8m far:changes
like 'which is noticed' "$OUT" 'large changed while it was sent'
same_tree 'and is as it is at the end' . changes
echo next >one
ok 'the next deploy' over far:changes
same_tree 'is right, too' . changes

# A lane that amends a file and is lost on the way: what the first channel sends
# in its place, changed once more, is what the server has, and so the base.
echo first >zz
touch -d '2 days ago' zz
# Or it would be sent as it was read to be hashed.
ok 'a file is known' over far:changes
remote amends <<END
if mkdir "\$0.main" 2>/dev/null; then
	{
		dd bs=1024 count=200 2>/dev/null
		i=0
		until [ -e "$TMP/lost" ] || [ \$((i += 1)) -gt 400 ]; do
			sleep 0.05
		done
		cat
	} | $DEPLOYD "\$@"
	exit
fi
echo second >"$PWD/zz"
{
	head -c 300
	exec 3<&0
	cat <&3 >/dev/null &
	i=0
	until grep -aq '^> amend ' "$TMP/frames" || [ \$((i += 1)) -gt 400 ]; do
		sleep 0.05
	done
	echo third >"$PWD/zz"
	kill \$!
} | $DEPLOYD "\$@"
: >"$TMP/lost"
END
DEPLOY_LANES=1
ok 'a lane amends a file and is lost' over far:amends
like 'which is missed' "$OUT" 'a further channel ended'
is 'both amend it' "$(grep -c 'zz changed while it was sent' "$OUT")" 2
same_tree 'and it is as it is at the end' . amends
remote=$TMP/deployd.plain
echo another >one
ok 'the next deploy' over far:amends
unlike 'has a base that the server holds' "$OUT" 'the whole manifest is sent'
same_tree 'and arrives' . amends

# What reaches the server from elsewhere.
as_put() {
	serve
	hello >&3
	control put "app $1" "token $2" >&3
	await result
	serve_end
}
zeros=00000000000000000000000000000000
as_put far "$zeros"
is 'a channel of no push is refused' "$(got status)" 4
like 'which is said' "$REPLY" 'no push here'
as_put nowhere "$zeros"
is 'so is one of no app' "$(got status)" 4
as_put far ../../etc
is 'and one without a token' "$(got status)" 6
serve --app far --allow read
hello >&3
control put 'app far' "token $zeros" >&3
await result
is 'a key that may not deploy may not do that' "$(got status)" 4
serve_end
mkdir "$TMP/small" && echo small >"$TMP/small/file"
serve
push new "$TMP/small" >&3
tell_manifest >&3
await need-end
echo 1 >"$TMP/part"
frame part "$TMP/part" >&3
await result
is 'a part where there is no token is refused' "$(got status)" 6
like 'and said to be' "$REPLY" 'unexpected part'
serve_end
done_testing
