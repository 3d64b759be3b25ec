#!/bin/sh
# t/README says which case holds against which attack: each of them is there,
# under that name.
. "$(dirname "$0")/lib/tap.sh"

cd "$TOP/t" || exit 1

# cases FILE: its list, "file name" a line.
cases() {
	sed -n '/^Attacks/,$s/^    \([a-z][a-z0-9_/-]*\.[a-z]*\)  */\1 /p' "$1"
}

# quoted FILE TEXT: as a string of C or of sh.
quoted() {
	grep -qF -e "\"$2\"" "$1" || grep -qF -e "'$2'" "$1"
}

# has FILE NAME: whether the file prints a case of that name.  A row of a
# table has the table's name in front: `manifest: an ESC'.
has() {
	[ -f "$1" ] || return 1
	case $1 in
	unit/*) grep -qF -e "START_TEST($2)" "$1" ;;
	*)
		quoted "$1" "$2" || {
			quoted "$1" "${2%%: *}: %s" && quoted "$1" "${2#*: }"
		}
		;;
	esac
}

# lacks FILE: what stands in its list, and is not there.
lacks() {
	cases "$1" | while read -r file name; do
		has "$file" "$name" || echo "$file: $name"
	done
}

ok 'the list is read' test "$(cases README | wc -l)" -ge 100
is 'every case of the list is there' "$(lacks README)" ''
# Its title stands in front of where it was seen.
is 'every class has one' "$(awk '
	/^  [^ ]/ && title { if (class && !n) print class; class = title; n = 0 }
	{ title = /^[A-Z]/ ? $0 : "" }
	/^    / { n++ }
	END { if (!n) print class }' README)" ''

# Of each kind one that was renamed.
for kind in unit hostile t; do
	sed "/^Attacks/,\$s,^\(    $kind.*\)\$,\1 again," README >"$TMP/renamed"
	is "one that was renamed is missed: $kind" "$(lacks "$TMP/renamed" |
		wc -l)" "$(cases README | grep -c "^$kind")"
done

# The rest of the page.
for script in t[0-9]*.sh; do
	hundred=${script%"${script#t??}"}xx
	grep -q "^    $hundred " README || echo "$hundred"
done >"$TMP/hundreds"
is 'it says what the hundreds mean' "$(sort -u "$TMP/hundreds")" ''
for directory in */; do
	grep -q "^    $directory " README || echo "$directory"
done >"$TMP/directories"
is 'and what the directories hold' "$(cat "$TMP/directories")" ''
done_testing
