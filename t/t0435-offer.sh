#!/bin/sh
# The offer: small changed files go right behind the difference, unasked.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/traced.sh"
. "$TOP/t/lib/serve.sh"

hold=$BUILD/t/lib/holdback
link=$BUILD/t/lib/slowlink
[ -x "$hold" ] || skip_all 'holdback is not built'

behind
make_tree app
cd app || exit 1
head -c 300000 /dev/urandom >large
traced 'a first deploy' local:blog
unlike 'offers nothing' "$TMP/types" offer

echo edited >one
behind "$hold" files "$TMP/late"
traced 'an edit, against a server that waits for the file' \
	-v local:blog
is 'nothing is sent once it speaks' "$(cat "$TMP/late")" 0
is 'nothing is asked for' "$(grep -c '< need$' "$TMP/types")" 0
like 'the file is counted' "$OUT" 'needs 1 files'
like 'and told of' "$OUT" 'reused 7 of 8 files'
same_tree 'the tree is equal' . blog

echo again >one
head -c 300000 /dev/urandom >large
traced 'a small and a large file' -v local:blog
is 'the small one is offered' "$(lines offer)" 1
is 'the large one is asked for' "$(lines need)" 1
like 'both are counted' "$OUT" 'needs 2 files'
same_tree 'the tree is equal' . blog

mkdir many
i=0
while [ $i -lt 600 ]; do
	printf '%s\n' $i >"many/$i"
	i=$((i + 1))
done
cp many/7 same
: >many/empty
traced 'more small files than an offer takes' local:blog
is 'are offered up to 256 KiB of tar' "$(lines offer)" 256
is 'the others are asked for' "$(lines need)" 344
same_tree 'the tree is equal' . blog

mv many renamed
traced 'a directory renamed' -v local:blog
unlike 'offers nothing' "$TMP/types" offer
like 'and sends nothing' "$OUT" 'needs 0 files'
same_tree 'the tree is equal' . blog

echo one >one
echo two >>src/two
traced 'a content that an older release has' local:blog
is 'is offered all the same' "$(lines offer)" 2
is 'and simply taken' "$(lines need)" 0
same_tree 'the tree is equal' . blog

echo x >one
rm "$DEPLOYD_ROOT"/blog/.deployd/manifests/*
traced 'a base that is not kept' local:blog
is 'makes the offer void' "$(grep -E 'offer|send|full' "$TMP/types" |
	tr -d '\n')" '> offer< send> full'
same_tree 'the tree is equal' . blog

# The tree id at its end is right, so only the server can tell.
base=$(ls "$HOME"/.cache/deploy/*.base)
sed -i '/	one$/s/[0-9a-f]\{4\}	one$/0123	one/' "$base"
traced 'a base that is damaged' --rebuild local:blog
is 'is not used' "$(grep -E 'send|full' "$TMP/types" | tr -d '\n')" \
	'< send> full'
same_tree 'the tree is equal' . blog
echo x2 >one
traced 'the next' local:blog
unlike 'has a right one, though the tree was the same' "$TMP/types" send
same_tree 'the tree is equal' . blog

echo y >one
ok 'a look' env DEPLOY_TRACE="$TMP/looked" "$DEPLOY" -n local:blog
unlike 'offers nothing' "$TMP/looked" '^> offer'
traced 'without caches' --no-cache local:blog
unlike 'nothing is offered' "$TMP/types" offer
same_tree 'the tree is equal' . blog

traced 'nothing changed' local:blog
unlike 'offers nothing' "$TMP/types" offer
echo z >one
echo '[app' >deploy.conf
fails 1 'a malformed deploy.conf' "$DEPLOY" local:blog
echo '[hooks]
build = false' >deploy.conf
fails 7 'a failing build' "$DEPLOY" local:blog
rm deploy.conf
ok 'after it a deploy' "$DEPLOY" local:blog
same_tree 'is equal' . blog
fails 4 'a refusal with an offer behind it' "$DEPLOY" --expect=nothing \
	local:blog

i=0
while [ $i -lt 100 ]; do
	head -c 2000 /dev/urandom >"renamed/$i"
	i=$((i + 1))
done
for cut in 1000 20000 60000 150000; do
	behind "$link" -u $cut
	"$DEPLOY" --deployd="$TMP/relay" local:blog >"$TMP/out" 2>&1
	status=$?
	# 3: it came before the server had said a word.
	ok "a cut after $cut bytes" test $status -eq 6 -o $status -eq 3
done
behind
traced 'and after it a deploy' local:blog
same_tree 'is equal' . blog

cd .. && mkdir repository && mv app repository && cd repository &&
	git init -q && git add -A && git commit -qm one && cd app || exit 1
echo '[app]
ancestry = refuse' >deploy.conf
ok 'a commit' "$DEPLOY" local:blog
echo 1 >one
traced 'a tree that must contain what is live' local:blog
is 'is offered once that is known' "$(grep -E 'offer|live' "$TMP/types" |
	tr -d '\n')" '< live> offer'
same_tree 'and equal' . blog
echo 22 >one
behind "$hold -x 'echo 333 >$PWD/one' push" "$TMP/late"
traced 'a file that changes between the look and the offer' -v \
	local:blog
like 'is amended' "$OUT" 'one changed while it was sent'
same_tree 'and arrives as it is' . blog

# Somebody else has deployed it.  By the time git has answered, the walk is
# over, and a file that is offered for nothing has changed.
rm deploy.conf
ok 'a base' "$DEPLOY" local:blog
echo 4444 >one
ok 'another edit, from elsewhere' env XDG_CACHE_HOME="$TMP/other" "$DEPLOY" \
	local:blog
mkdir "$TMP/bin"
cat >"$TMP/bin/git" <<END
#!/bin/sh
PATH=$PATH
case " \$* " in
*' status '*)
	sleep 1
	echo 55555 >$PWD/one
	;;
esac
exec git "\$@"
END
chmod 755 "$TMP/bin/git"
behind "$link" -d 200
path=$PATH
PATH=$TMP/bin:$PATH
traced 'the same from here' -v local:blog
PATH=$path
like 'is there already' "$OUT" 'is live already'
like 'and has changed' "$OUT" 'one changed while it was sent'
traced 'the next deploy' local:blog
unlike 'is against what is there' "$TMP/types" send
same_tree 'and equal' . blog
cd "$TMP" || exit 1

# Against the rules.  Line 1 is a directory, 2 and 3 are files.
mkdir old new
mkdir old/d new/d
echo 1 >old/d/f
cp old/d/f old/g
cp old/d/f new/d/f
echo 2 >new/g
describe old
serve --app hostile
deliver hostile old >&3
finish
is 'a base' "$(got outcome)" deployed
base=$(hash_of "$MANIFEST")

# offered NAME WANT LINE...: the push of `new', then the frames of input.
offered() {
	offered_name=$1 offered_want=$2
	shift 2
	serve --app hostile
	{
		push hostile new "$@"
		{
			printf '=2\n-1\n'
			tail -n 2 "$MANIFEST"
		} | zstd -qc >"$TMP/difference"
		frame settings "$SETTINGS"
		stream manifest "$TMP/difference"
		cat
	} >&3
	finish
	is "$offered_name" "$(got status)" 6
	like "$offered_name: the reason" "$(got error)" "$offered_want"
}

# range LINE...: an offer frame.
range() {
	printf '%s\n' "$@" >"$TMP/range"
	frame offer "$TMP/range"
}

range 1 >"$TMP/in"
offered 'an offer of a directory' 'which is no file' "base $base" \
	'offer yes' <"$TMP/in"
range 1-4294967295 >"$TMP/in"
offered 'an offer of lines that are not there' 'which is no file' \
	"base $base" 'offer yes' <"$TMP/in"
range 3-2 >"$TMP/in"
offered 'malformed lines' 'malformed line ranges' "base $base" \
	'offer yes' <"$TMP/in"
frame offer >"$TMP/in"
offered 'an offer of nothing' 'empty offer' "base $base" 'offer yes' \
	<"$TMP/in"
{
	range 3
	range 3
} >"$TMP/in"
offered 'an offer that comes twice' 'unexpected offer' "base $base" \
	'offer yes' <"$TMP/in"
range 3 >"$TMP/in"
offered 'one that push does not announce' 'unexpected offer' "base $base" \
	<"$TMP/in"
offered 'one in a compare' 'malformed push' "base $base" \
	'then compare' 'offer yes' <"$TMP/in"
{
	control full
	frame settings "$SETTINGS"
	describe new
	zstd -qc "$MANIFEST" >"$TMP/whole"
	stream manifest "$TMP/whole"
	range 3
} >"$TMP/in"
offered 'one without a base' 'unexpected offer' 'offer yes' <"$TMP/in"
{
	range 3
	echo /dev/null | tar -cf - --format=ustar -T - 2>/dev/null | zstd -qc \
		>"$TMP/packed"
	stream files "$TMP/packed"
} >"$TMP/in"
offered 'files that are not the offered ones' 'regular file|follow the need' \
	"base $base" 'offer yes' <"$TMP/in"
head -c 600000 /dev/zero >new/d/f
head -c 600000 /dev/urandom >new/g
{
	describe new
	{
		printf -- '-3\n'
		cat "$MANIFEST"
	} | zstd -qc >"$TMP/difference"
	push hostile new "base $base" 'offer yes'
	frame settings "$SETTINGS"
	stream manifest "$TMP/difference"
	range 2-3
} >"$TMP/in"
serve --app hostile
cat "$TMP/in" >&3
finish
is 'more than 1 MiB' "$(got status)" 6
like 'is refused' "$(got error)" 'more than 1048576 bytes'

done_testing
