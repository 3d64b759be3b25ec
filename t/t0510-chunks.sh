#!/bin/sh
# Large files in chunks: what changed of them is sent, what did not is reused.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/traced.sh"

link=$BUILD/t/lib/slowlink
hold=$BUILD/t/lib/holdback
[ -x "$link" ] || skip_all 'slowlink is not built'
[ -x "$hold" ] || skip_all 'holdback is not built'
# Where chunks begin is the same each time.
noise=$BUILD/t/lib/noise
[ -x "$noise" ] || skip_all 'noise is not built'

# needed: the bytes that need-end spoke of.
needed() {
	awk '/^[<>] / { inside = $2 == "need-end"; next }
		inside && $1 == "bytes" { print $2; found = 1 }
		END { if (!found) print 0 }' "$TMP/frames"
}

# insert FILE OFFSET TEXT
insert() {
	head -c "$2" "$1" >"$TMP/new"
	printf '%s' "$3" >>"$TMP/new"
	tail -c +$(($2 + 1)) "$1" >>"$TMP/new"
	mv "$TMP/new" "$1"
}

# delete FILE OFFSET BYTES
delete() {
	head -c "$2" "$1" >"$TMP/new"
	tail -c +$(($2 + $3 + 1)) "$1" >>"$TMP/new"
	mv "$TMP/new" "$1"
}

# overwrite FILE OFFSET TEXT
overwrite() {
	printf '%s' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# few NAME: an edit in one place is a few chunks, 256 KiB each at most.
few() {
	ok "$1: few chunks are asked for" test "$(lines need)" -ge 1 \
			-a "$(lines need)" -le 4
	ok "$1: few bytes are needed" test "$(needed)" -le 1048576
	diag "$1: $(lines need) chunks, $(needed) bytes"
}

behind
make_tree app
cd app || exit 1
"$noise" 1 6000000 >big
"$noise" 2 3000000 >other
traced 'a first deploy' local:blog
is 'asks for whole files' "$(lines need)" 8
same_tree 'the tree is equal' . blog

insert big 2500000 0123456789
traced 'ten bytes inserted' -v local:blog
like 'counts as a file that is sent' "$OUT" 'reused 8 of 9 files'
few 'an insertion'
same_tree 'the tree is equal' . blog
delete big 4000000 10000
traced 'ten thousand bytes deleted' local:blog
few 'a deletion'
same_tree 'the tree is equal' . blog
printf more >>big
traced 'four bytes appended' local:blog
is 'are one chunk' "$(lines need)" 1
same_tree 'the tree is equal' . blog
insert big 0 begin
overwrite big 3000000 changed
chmod 755 big
traced 'a new beginning, an edit and a mode' local:blog
few 'two edits'
same_tree 'the tree is equal' . blog

# What the difference costs: a few lines, not those of the whole file.
insert big 1000000 x
traced 'one byte' local:blog
ok 'is a short difference' test "$(awk '$1 == ">" && $2 == "manifest" {
	n += $3 } END { print n }' "$TMP/frames")" -lt 1000

cat big other >both
traced 'a file made of two old ones' local:blog
ok 'lacks what is where they meet' test "$(needed)" -le 1048576
same_tree 'the tree is equal' . blog
head -c 200000 both >"$TMP/twice"
tail -c 3000000 both >>"$TMP/twice"
cp "$TMP/twice" twice
cp "$TMP/twice" src/thrice
rm both
traced 'a file in two places, of pieces of one that went' local:blog
ok 'is put together from them' test "$(needed)" -le 1048576
same_tree 'the tree is equal' . blog

# From a release that is not the last one.
mv big "$TMP/big"
traced 'a large file removed' local:blog
mv "$TMP/big" big
insert big 1500000 again
traced 'it comes back, edited' local:blog
few 'an older release'
same_tree 'the tree is equal' . blog

# What a release holds may have been damaged since.
damaged=$DEPLOYD_ROOT/blog/releases/$(live blog)/big
chmod u+w "$damaged"
overwrite "$damaged" 500000 damage
insert big 5000000 y
for id in "$DEPLOYD_ROOT"/blog/releases/*; do
	# No other release is to have the same.
	[ "$id/big" = "$damaged" ] || rm -f "$id/big" "$id/both"
done
traced 'a damaged old file, and an edit' local:blog
few 'damage'
ok 'the damaged chunk is asked for, too' test "$(lines need)" -ge 2
same_tree 'the tree is equal' . blog

# Who has lost its memory sends the whole manifest, no more.
rm -rf "$XDG_CACHE_HOME/deploy"
insert big 2000000 z
traced 'a client without a base' -v local:blog
like 'sends the whole manifest' "$OUT" 'the whole manifest is sent'
few 'no base'
same_tree 'the tree is equal' . blog
insert big 2000001 z
traced '--no-cache' --no-cache local:blog
ok 'sends everything' test "$(needed)" -gt 6000000
same_tree 'the tree is equal' . blog
insert big 3000000 z
traced '--dry-run' -n -v local:blog
few 'a dry run'
ok 'and leaves it at that' sh -c "! cmp -s big $DEPLOYD_ROOT/blog/current/big"

# A connection that is cut in the middle of the chunks.
"$noise" 3 3000000 >"$TMP/half"
tail -c +3000001 big >>"$TMP/half"
mv "$TMP/half" big
# Slow enough for the server to keep up.
behind "$link" -r 20000 -u 1500000
fails 6 'a cut connection' "$DEPLOY" --deployd="$TMP/relay" local:blog
behind
traced 'a rerun' local:blog
ok 'asks for chunks' test "$(lines need)" -gt 2
ok 'but not for those that arrived' test "$(needed)" -lt 2500000
diag "the rerun needed $(needed) bytes"
same_tree 'the tree is equal' . blog

# A file that changes between its scan and its sending.
cat >"$TMP/change" <<END
#!/bin/sh
printf 'changed meanwhile' | dd of=$PWD/big bs=1 seek=1000000 conv=notrunc
END
chmod 755 "$TMP/change"
insert big 1000000 'a chunk that is asked for'
insert big 5000000 'and another one'
behind "$hold" -x "$TMP/change" manifest "$TMP/late"
traced 'a chunk that changed before it was sent' local:blog
ok 'makes the file be sent whole' test "$(awk '$1 == ">" && $2 == "files" {
	n += $3 } END { print n }' "$TMP/frames")" -gt 5000000
is 'amended once' "$(grep -ac '^> amend ' "$TMP/frames")" 1
same_tree 'the tree is equal' . blog
insert big 4000000 afterwards
traced 'and the next edit' local:blog
few 'after an amend'
same_tree 'the tree is equal' . blog

# The chunk before it is packed already, and counts as what it was.
cat >"$TMP/change" <<END
#!/bin/sh
printf c | dd of=$PWD/big bs=1 seek=1120100 conv=notrunc
END
insert big 1000000 'a chunk that is sent'
insert big 1120000 'and the one behind it'
behind "$hold" -x "$TMP/change" manifest "$TMP/late"
traced 'a chunk that changed when another was packed' local:blog
is 'two were asked for' "$(lines need)" 2
is 'the file is amended behind one of them' "$(
	awk '$1 == ">" && ($2 == "files" || $2 == "amend") { print $2 }' \
		"$TMP/frames" | uniq | tr '\n' ' '
)" 'files amend files '
same_tree 'the tree is equal' . blog

# An archive is divided as a directory is.
insert big 3500000 archived
tar -cf "$TMP/app.tar" .
traced 'an archive with an edit' --tar="$TMP/app.tar" local:blog
few 'an archive'
same_tree 'the tree is equal' . blog

# Of an amended file no manifest says how it was divided, nor of one whose
# deploy failed.
cat >"$TMP/change" <<END
#!/bin/sh
printf 'changed meanwhile' | dd of=$PWD/big bs=1 seek=2000000 conv=notrunc
END
behind "$hold" -x "$TMP/change" push "$TMP/late"
traced 'a first deploy of a file that changes' local:amended
is 'amends it' "$(grep -ac '^> amend ' "$TMP/frames")" 1
same_tree 'the tree is equal' . amended
insert big 3000000 edited
traced 'its next edit' local:amended
few 'a file that was amended'
same_tree 'the tree is equal' . amended
printf '[hooks]\nbuild = false\n' >deploy.conf
fails 7 'a first deploy that fails' "$DEPLOY" local:failed
rm deploy.conf
insert big 1000000 edited
traced 'another one with an edit' local:failed
few 'what a failed deploy left'
same_tree 'the tree is equal' . failed

# What hardly anything is left of is asked for whole.
"$noise" 4 5500000 >"$TMP/new"
tail -c 500000 big >>"$TMP/new"
mv "$TMP/new" big
traced 'a file that is mostly new' local:blog
is 'is asked for whole' "$(lines need)" 1
same_tree 'the tree is equal' . blog

done_testing
