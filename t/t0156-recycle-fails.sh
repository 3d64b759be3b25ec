#!/bin/sh
# A dropped release becomes the next one's files, and a call of that fails:
# what is not told of in next/ does not come into a release.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"
faults_need

printf '[deployd]\nkeep = 1\n' >"$DEPLOYD_CONF"
own=$DEPLOYD_ROOT/blog/.deployd
version=0

# Each tree has directories of its own.
make_next() {
	version=$((version + 1))
	rm -rf app
	mkdir -p "app/goes-$version/deep" "app/stays/$version"
	echo one >"app/goes-$version/deep/one"
	echo two >"app/stays/$version/two"
}

names() {
	(cd "$1" && find . | LC_ALL=C sort)
}

# at_each CALL DIRECTORY ERROR: at each of them in turn.
at_each() {
	n=0
	misses=0
	wrong=0
	# A spare may have been there already: then nothing was recycled.
	while [ $misses -lt 2 ]; do
		n=$((n + 1))
		make_next
		faulty -n $n -c "$1" -f "$own/$2" -a "$3"
		"$DEPLOY" --deployd="$TMP/faulty" local:blog app \
			>"$TMP/said" 2>&1
		faults_settle
		settle
		[ -z "$(faults_hit)" ] || misses=-1
		misses=$((misses + 1))
		make_next
		"$DEPLOY" local:blog app >"$TMP/said" 2>&1 ||
			diag "$(cat "$TMP/said")"
		names app >"$TMP/is"
		names "$DEPLOYD_ROOT/blog/current/" >"$TMP/has"
		cmp -s "$TMP/is" "$TMP/has" || {
			wrong=$((wrong + 1))
			diag "call $n: $(diff "$TMP/is" "$TMP/has")"
		}
		settle
	done
	ok "$1 in $2/: there were such calls" test $n -gt 3
	is "it fails with $3, and no release has more than its tree" $wrong 0
}

for i in 1 2; do
	make_next
	ok "deploy $i" "$DEPLOY" local:blog app
	settle
done
at_each utimensat next EIO
at_each openat next EMFILE
at_each openat trash EMFILE
done_testing
