#!/bin/sh
# How hard files are compressed follows the link, both ways; and --bwlimit.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

link=$BUILD/t/lib/slowlink
[ -x "$link" ] || skip_all 'slowlink is not built'

# behind ARGS: a deployd behind such a link.
behind() {
	cat >"$TMP/relay" <<END
#!/bin/sh
exec $link -c $TMP/bytes $* $DEPLOYD "\$@"
END
	chmod 755 "$TMP/relay"
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
ok 'over a slow link' "$DEPLOY" -v --deployd="$TMP/relay" local:slow
effort
ok 'the effort rises' test "$most" -ge 1
same_tree 'the tree is equal' . slow
slow=$(tail -n 1 "$TMP/bytes" | cut -d' ' -f1)

behind
ok 'over a fast one' "$DEPLOY" -v --deployd="$TMP/relay" local:fast
effort
ok 'it does not' test "$most" -lt 3
same_tree 'the tree is equal' . fast
fast=$(tail -n 1 "$TMP/bytes" | cut -d' ' -f1)
diag "$slow bytes, and $fast"
ok 'the slow one was spared bytes' test $((slow * 100)) -lt $((fast * 97))

# Too far from each other for the second to be made of the first.
for f in text*; do
	{
		echo again
		cat "$f"
	} >"z$f"
done
behind -r 12000 -f 6000000
ok 'over one that grows fast' "$DEPLOY" -v --deployd="$TMP/relay" local:grows
effort
ok 'the effort falls again' test "$last" -lt "$most"
same_tree 'the tree is equal' . grows

# What is compressed already costs nothing but its bytes.
rm ./*text*
head -c 20000000 /dev/urandom >dense
words 1 3000000 >text
behind -r 40000
ok 'what does not compress, and what does' "$DEPLOY" -v \
	--deployd="$TMP/relay" local:dense
same_tree 'arrive equal' . dense
dense=$(tail -n 1 "$TMP/bytes" | cut -d' ' -f1)
diag "$dense bytes of 23000000"
ok 'and grew by nothing' test "$dense" -lt 21700000

# It can only take longer than that.
head -c 1000000 /dev/urandom >dense
behind
began=$(date +%s)
ok 'at most 250 KiB a second' "$DEPLOY" --deployd="$TMP/relay" \
	--bwlimit=250 local:dense
ended=$(date +%s)
ok 'are kept to' test $((ended - began)) -ge 3
same_tree 'the tree is equal' . dense

done_testing
