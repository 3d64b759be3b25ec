#!/bin/sh
# A first deploy reads each file once, as far as there is memory for it: what
# is sent is what was hashed.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/traced.sh"

hold=$BUILD/t/lib/holdback
[ -x "$hold" ] || skip_all 'holdback is not built'
# What looks for leaks traces, too.
ignore_leaks

# opened NAME DIR TARGET...: a deploy; $TMP/opens has how often it, and not
# deployd, tried to open each file of the tree: each name is there once only.
opened() {
	opened_name=$1 opened_tree=$2
	shift 2
	ok "$opened_name" timeout 120 strace -f -b execve -o "$TMP/calls" \
		-e trace=open,openat,openat2 "$DEPLOY" -C "$opened_tree" "$@"
	find "$opened_tree" -type f -printf '%f\n' | awk -v calls="$TMP/calls" '
		{ n[$0] = 0 }
		END {
			while ((getline line < calls) > 0)
				if (line ~ / open/ && split(line, part, "\"") > 1 &&
					part[2] in n)
					n[part[2]]++
			for (name in n)
				print n[name], name
		}' >"$TMP/opens"
}

# counts: how many files were opened how often, as "1:4 2:7".
counts() {
	awk '{ n[$1]++ } END { for (i in n) print i ":" n[i] }' "$TMP/opens" |
		LC_ALL=C sort | tr '\n' ' '
}

mkdir app many
i=0
while [ $i -lt 300 ]; do
	mkdir -p "app/d$((i % 9))"
	echo "this is $i" >"app/d$((i % 9))/file$i"
	i=$((i + 1))
done
head -c 1048576 /dev/urandom >app/whole
: >app/none
head -c 1000000 /dev/urandom >random
i=0
while [ $i -lt 80 ]; do
	{
		echo "$i"
		cat random
	} >"many/large$i"
	i=$((i + 1))
done

if command -v strace >/dev/null && strace -o /dev/null -b execve true; then
	opened 'a first deploy' app local:blog
	is 'opens every file once' "$(counts)" '1:302 '
	same_tree 'all arrives' app blog
	echo edited >app/d1/file1
	opened 'an edit' app local:blog
	is 'is all that is opened then' "$(grep -v '^0 ' "$TMP/opens" |
		cut -d' ' -f2)" file1
	same_tree 'it arrives' app blog

	opened 'a tree that memory is not for' many local:many
	is 'opens no file more than twice' \
		"$(grep -c '^[12] ' "$TMP/opens")" 80
	once=$(grep -c '^1 ' "$TMP/opens")
	ok 'but most of them once' test "$once" -ge 60 -a "$once" -lt 80
	diag "$once files of 1 MB were opened once"
	same_tree 'all arrives' many many
	rm -rf "$XDG_CACHE_HOME"
	opened 'two targets at once' app -t local:one -t local:two
	is 'open no file more often than the two of them would' \
		"$(grep -c '^[12] ' "$TMP/opens")" 302
	same_tree 'all arrives' app one
	same_tree 'at both' app two
else
	skip 'how often each file is opened' 'there is no strace'
fi

# Between hashing and sending.
cd app || exit 1
behind "$hold -x 'echo later >$PWD/d2/file2; rm $PWD/d3/file3' push" "$TMP/late"
cp -r . "$TMP/hashed"
rm -rf "$XDG_CACHE_HOME"
traced 'a first deploy while files change' -v local:early
unlike 'amends nothing' "$TMP/types" '> amend'
same_tree 'what was hashed arrives' "$TMP/hashed" early
is 'and not the edit' "$(cat d2/file2)" later
traced 'the next deploy' -v local:early
same_tree 'sends the edit' . early
ok 'and knows that it did' "$DEPLOY" local:early
like 'so that there is nothing to send' "$OUT" unchanged

# What arrived before is not asked for.
rm -rf "$XDG_CACHE_HOME"
echo again >d4/file4
ok 'a deploy that remembers nothing' "$DEPLOY" -v local:early
like 'sends what is new' "$OUT" 'needs 1 files'
same_tree 'it arrives' . early

done_testing
