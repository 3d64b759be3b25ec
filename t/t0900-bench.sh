#!/bin/sh
# The benches work, at sizes that say nothing of speed.
# shellcheck disable=SC2317 # functions are called by ok
. "$(dirname "$0")/lib/tap.sh"

! instrumented || skip_all 'what is instrumented is not measured'
. "$TOP/t/lib/sshd.sh"

sshd_available || skip_all 'sshd is not installed'
for tool in rsync zstd perl pgrep; do
	command -v $tool >/dev/null || skip_all "$tool is not installed"
done
[ "$(id -u)" -ne 0 ] || command -v useradd >/dev/null ||
	skip_all "useradd is not installed"
# The account of the bench reads its keys there.
chmod 755 "$TMP"
mkdir "$TMP/scratch"
bench() {
	bench_name=$1
	shift
	TMPDIR=$TMP/scratch "$TOP/contrib/bench/$bench_name" "$@" \
		>"$TMP/out" 2>&1 || {
		cat "$TMP/out"
		return 1
	}
}
number='[0-9]+\.[0-9]+'

ok 'run: a made tree' bench run -n 1 -f 200 -m 2 -l direct -c none,ten
like 'tells of what it ran on' "$TMP/out" '^# [0-9]+ cores'
like 'and prints both ratios for nothing changed' "$TMP/out" \
	"^direct/none .* $number +$number\$"
like 'and for ten edits' "$TMP/out" "^direct/ten .* $number +$number\$"
mkdir -p "$TMP/given/one/two" "$TMP/given/three"
for i in 1 2 3 4 5; do
	echo "$i" >"$TMP/given/one/two/$i"
done
ok 'run: a tree that is given' bench run -n 1 -t "$TMP/given" -l direct \
	-c first,rename,touch
like 'has its files' "$TMP/out" ': 5 files,'
like 'its largest directory is renamed' "$TMP/out" \
	"^direct/rename .* $number +$number\$"
is 'the tree itself stays as it was' "$(ls "$TMP/given")" 'one
three'
ok 'large: a ratio to each' bench large -n 1 -f 100 -m 1 -l direct -c ten
like 'of rsync and of link_dest' "$TMP/out" \
	"^direct/ten .* $number +$number +$number +$number\$"
ok 'upload: a rate' bench upload -n 1 -m 2 -d 1
like 'of deploy' "$TMP/out" "^deploy .* $number MB/s\$"
if command -v gnuplot >/dev/null && [ -x /usr/bin/time ]; then
	ok 'scale: a table, slopes and a plot' bench scale -s 20,200 \
		-o "$TMP/plot"
	like 'with a line for each size and case' "$TMP/out" '^ +200 ten +'
	like 'and one for each slope' "$TMP/out" \
		'^first +client .* us .* bytes +server .* us .* bytes$'
	ok 'the plot is there twice' \
		[ -s "$TMP/plot/scale.png" -a -s "$TMP/plot/scale.svg" ]
else
	skip 'scale' 'gnuplot or GNU time is not installed'
fi
fails 1 'what is not there to deploy is said' "$TOP/contrib/bench/run" \
	-t "$TMP/nowhere"
is 'nothing is left behind' "$(ls "$TMP/scratch")" ''

done_testing
