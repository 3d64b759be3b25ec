#!/bin/sh
# How hard files are compressed follows the link, both ways; and --bwlimit.
# It takes long.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/sshd.sh"

link=$BUILD/t/lib/slowlink
[ -x "$link" ] || skip_all 'slowlink is not built'
sshd_available || skip_all 'sshd is not installed'
sshd_setup

# peer COMMAND...: what stands between sshd and deployd.
peer() {
	cat >"$TMP/deployd" <<END
#!/bin/sh
export DEPLOYD_ROOT=$DEPLOYD_ROOT DEPLOYD_CONF=$DEPLOYD_CONF
exec $* $DEPLOYD "\$@"
END
	chmod 755 "$TMP/deployd"
}
peer

# behind ARGS: a host, to be deployed to by over(), behind such a link.
behind() {
	cat >"$TMP/config" <<END
Host host
ProxyCommand $link -c $TMP/bytes $* $SSHD -i -f $SSH_DIR/sshd_config
END
	host >>"$TMP/config"
}
host() {
	cat <<END
HostKeyAlias piped
IdentityFile $SSH_DIR/id_ed25519
IdentitiesOnly yes
User $SSH_USER
UserKnownHostsFile $SSH_DIR/known_hosts
END
}
over() {
	"$DEPLOY" -v -F "$TMP/config" --deployd="$TMP/deployd" "$@"
}

# words SEED BYTES: words that occur again and again, and numbers that do not.
words() {
	awk -v seed="$1" -v bytes="$2" 'BEGIN {
		srand(seed)
		for (i = 0; i < 3000; i++) {
			n = 2 + int(rand() * 8)
			for (word[i] = ""; n-- > 0;)
				word[i] = word[i] sprintf("%c", 97 + rand() * 26)
		}
		while (bytes > 0) {
			line = sprintf("%x", rand() * 2^30)
			for (i = 0; i < 8; i++)
				line = line " " word[int(rand() * 3000)]
			print line
			bytes -= length(line) + 1
		}
	}'
}

# effort: what the last deploy told of it, "at the end, at most".
effort() {
	sed -n 's/.*effort \([0-9]*\) of [0-9]* at the end, \([0-9]*\) .*/\1 \2/p' \
		"$OUT" >"$TMP/effort"
	diag "effort at the end, at most: $(cat "$TMP/effort")"
	last=$(cut -d' ' -f1 "$TMP/effort") most=$(cut -d' ' -f2 "$TMP/effort")
}

mkdir app
cd app || exit 1
i=0
while [ $i -lt 24 ]; do
	words $i 1000000 >"text$i"
	i=$((i + 1))
done

behind -r 12000
ok 'over a slow link' over host:slow
effort
ok 'the effort rises' test "$most" -ge 1
same_tree 'the tree is equal' . slow
slow=$(tail -n 1 "$TMP/bytes" | cut -d' ' -f1)

behind
ok 'over a fast one' over host:fast
effort
is 'it does not' "$most" 0
same_tree 'the tree is equal' . fast
fast=$(tail -n 1 "$TMP/bytes" | cut -d' ' -f1)
diag "$slow bytes, and $fast"
ok 'the slow one was spared bytes' test $((slow * 100)) -lt $((fast * 97))

# The first window is full before anybody knows who is slow.
behind
peer "$link" -r 16000
ok 'to a slow server over a fast link' over host:busy
effort
is 'the effort stays' "$most" 0
same_tree 'the tree is equal' . busy
peer

behind -d 50
ok 'over a long and fat link' env DEPLOY_LANES=0 "$DEPLOY" -v \
	-F "$TMP/config" --deployd="$TMP/deployd" host:far
effort
is 'the effort stays' "$most" 0

behind -r 24000
ok 'over a slow one, by ssh' over --transport=openssh host:openssh
effort
ok 'the effort rises' test "$most" -ge 1

behind
ok 'as fast as the user says' over --bwlimit=2500 host:limit
effort
ok 'the effort rises' test "$most" -ge 1

cat >"$TMP/relay" <<END
#!/bin/sh
exec $link -r 24000 $DEPLOYD "\$@"
END
chmod 755 "$TMP/relay"
ok 'on this machine' "$DEPLOY" -v --deployd="$TMP/relay" local:local
effort
is 'the effort stays' "$most" 0

export TMP
# A connection of TCP's, of which the kernel tells more.
perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1");
	open my $port, ">", "$ENV{TMP}/port.new";
	print $port $s->sockport . "\n";
	close $port;
	rename "$ENV{TMP}/port.new", "$ENV{TMP}/port";
	my $c = $s->accept;
	open STDIN, "<&", $c;
	open STDOUT, ">&", $c;
	exec @ARGV' "$link" -r 24000 "$SSHD" -i -f "$SSH_DIR/sshd_config" &
reap $!
within 10 test -e "$TMP/port"
{
	printf 'Host host\nHostName 127.0.0.1\nPort %s\n' "$(cat "$TMP/port")"
	host
} >"$TMP/config"
ok 'over a slow one, by TCP' over host:tcp
effort
ok 'the effort rises' test "$most" -ge 1
same_tree 'the tree is equal' . tcp

# Too far from each other for the second to be made of the first.
for f in text*; do
	{
		echo again
		cat "$f"
	} >"z$f"
done
behind -r 12000 -f 6000000
ok 'over one that grows fast' over host:grows
effort
ok 'the effort falls again' test "$last" -lt "$most"
same_tree 'the tree is equal' . grows

# What is compressed already costs nothing but its bytes.
rm ./*text*
head -c 20000000 /dev/urandom >dense
words 1 3000000 >text
behind -r 40000
ok 'what does not compress, and what does' over host:dense
same_tree 'arrive equal' . dense
dense=$(tail -n 1 "$TMP/bytes" | cut -d' ' -f1)
diag "$dense bytes of 23000000"
ok 'and grew by nothing' test "$dense" -lt 21700000

# It can only take longer than that.
head -c 1000000 /dev/urandom >dense
behind
began=$(date +%s)
ok 'at most 250 KiB a second' over --bwlimit=250 host:dense
ended=$(date +%s)
ok 'are kept to' test $((ended - began)) -ge 3
same_tree 'the tree is equal' . dense

done_testing
