# shellcheck shell=sh disable=SC2034 # for the tests
# For tests in which something goes wrong at the Nth system call of deployd.
# After lib/tap.sh and lib/app.sh:
#
#	faults_need                               skips all where none can fail
#	faulty -c change -n 17 -a kill
#	"$DEPLOY" --deployd="$TMP/faulty" ...     a deployd to which that happens
#	faults_settle; faults_hit                 what was hit, "" if nothing
#
# and an app of many versions, whose build, carried and shared paths are such
# that a mixture of two of them shows:
#
#	next_version    app/ becomes the next one; the old one is kept
#	is_whole        prints why what is live is not exactly one version;
#	                silent if it is, with its number in $LIVE
#	mends           the next deploy, with nothing in its way, of the same
#	                version: prints what is not as it should be then
#	resends FILE    prints what a `deploy -v', of which FILE is the output,
#	                sent although it was there before (see held)
#	held            notes which of the version's files the server holds
#	try_deploy      a deploy within some limit: $status, what it said in
#	                $TMP/said, and one more in $enough if it was done
#	refused_or_done LIVE STATUSES PATTERN...
#	                prints what is not as it should be after it: if it was
#	                refused, with one of the statuses, LIVE is live yet, and
#	                it said all of these
#
# With PLAIN set, versions from a new app/ on have neither build nor shared nor
# carried paths; with MANY=N so many further files change in each.
#
# In `make soak' SOAK is set: every call there, a few of them else.

FAULT=$BUILD/t/lib/fault
SOAK=${SOAK:-}
APP=$DEPLOYD_ROOT/blog
OWN=$APP/.deployd
VERSION=0
PLAIN=
MANY=0
# Who is traced cannot look for leaks.
ignore_leaks
mkdir "$TMP/versions"

faults_available() {
	FAULTS_WHY='the tracer is not built'
	[ -x "$FAULT" ] || return 1
	FAULTS_WHY='no process can be traced'
	"$FAULT" -a EIO -l "$TMP/hit" true && faults_settle
}

# For tests in which calls fail.
faults_need() {
	faults_available || skip_all "$FAULTS_WHY"
	"$FAULT" -a EIO true ||
		skip_all 'this processor is not known to the tracer'
}

# Calls of deployd, unless a -p that comes later says otherwise.
faulty() {
	rm -f "$TMP/hit"
	cat >"$TMP/faulty" <<-FAULTY
		#!/bin/sh
		exec "$FAULT" -p deployd -l "$TMP/hit" $* "$DEPLOYD" "\$@"
	FAULTY
	chmod 755 "$TMP/faulty"
}

# The tracer says what it hit when all that it traced has ended.
faults_settle() {
	faults_tries=0
	until [ -s "$TMP/hit" ]; do
		faults_tries=$((faults_tries + 1))
		[ "$faults_tries" -lt 3000 ] || return 1
		sleep 0.02
	done
}

faults_hit() {
	awk '$2 != "-" { print $2, "of", $3 }' "$TMP/hit"
}

# Two files change, one comes, one goes; the rest stays.
next_version() {
	VERSION=$((VERSION + 1))
	mkdir -p app/src/deep
	echo "$VERSION" >app/version
	echo "edited in $VERSION" >app/src/edited
	rm -f app/src/deep/new-*
	echo "new in $VERSION" >"app/src/deep/new-$VERSION"
	[ "$MANY" -eq 0 ] || mkdir -p app/many
	faults_file=0
	while [ $((faults_file += 1)) -le "$MANY" ]; do
		echo "file $faults_file of $VERSION" >"app/many/$faults_file"
	done
	[ -e app/deploy.conf ] || {
		make_tree app
		: >app/deploy.conf
		[ -n "$PLAIN" ] || cat >app/deploy.conf <<-CONF
			[app]
			shared = storage/
			carry = cache
			[hooks]
			build = cat version >built; mkdir -p cache; cat version >cache/last; date >>storage/log
			restart = ! rm $TMP/kill 2>/dev/null || { kill -9 \$(awk '/^PPid/ { print \$2 }' /proc/\$PPID/status); sleep 20; }
			check = cmp version built && cmp version cache/last
			check_timeout = 20
		CONF
	}
	cp -a app "$TMP/versions/$VERSION"
	rm "$TMP/versions/$VERSION/deploy.conf"
}

is_whole() {
	LIVE=$(cat "$APP/current/version" 2>&1) || {
		echo "nothing is live: $LIVE"
		return
	}
	[ -d "$TMP/versions/$LIVE" ] || {
		echo "version '$LIVE' is live"
		return
	}
	[ -n "$PLAIN" ] || [ -L "$APP/current/storage" ] ||
		echo 'storage is not shared'
	[ -n "$PLAIN" ] ||
		[ "$(cat "$APP/current/built" "$APP/current/cache/last" | uniq)" = "$LIVE" ] ||
		echo 'what was built is of another version'
	# As the sources are, less what is the server's.
	diff -r --no-dereference --exclude=built --exclude=cache \
		--exclude=storage "$TMP/versions/$LIVE" "$APP/current/" 2>&1
	(cd "$TMP/versions/$LIVE" && find . -printf '%p %y %m\n' | sort) \
		>"$TMP/modes"
	(cd "$APP/current/" && find . -path ./cache -prune -o ! -name built \
		! -name storage -printf '%p %y %m\n' | sort) |
		diff "$TMP/modes" -
}

# What a preparer that was stopped had in hand is the next one's to remove.
mends() {
	"$DEPLOY" -v local:blog app >"$TMP/mend" 2>&1 || {
		echo "the next deploy: status $?"
		cat "$TMP/mend"
	}
	is_whole
	[ "$LIVE" = "$VERSION" ] || echo "$LIVE is live instead of $VERSION"
	settle || echo 'a deployd does not end'
	find "$OWN/tmp" "$OWN/trash" "$OWN/stage" -mindepth 1 \
		! -path "$OWN/trash/spare" 2>/dev/null | sed 's/^/left over: /'
}

try_deploy() {
	"$DEPLOY" local:blog app >"$TMP/said" 2>&1
	status=$?
	settle
	[ "$status" -ne 0 ] || enough=$((enough + 1))
}

refused_or_done() {
	is_whole
	[ "$status" -ne 0 ] || set -- "$VERSION" 0
	[ "$LIVE" = "$1" ] ||
		echo "status $status, and $LIVE is live instead of $1"
	case " $2 " in
	*" $status "*) ;;
	*)
		echo "status $status"
		cat "$TMP/said"
		;;
	esac
	shift 2
	for refused_says; do
		grep -qe "$refused_says" "$TMP/said" || cat "$TMP/said"
	done
}

# Only the new contents: the others are there in any release.
held() {
	find "$APP/releases" "$OWN/next" "$OWN/stage" "$OWN/tmp" -type f \
		-print0 2>/dev/null | xargs -0r sha256sum 2>/dev/null |
		cut -c 1-64 >"$TMP/there"
	sha256sum app/version app/src/edited "app/src/deep/new-$VERSION" |
		cut -c 1-64 | grep -cxFf "$TMP/there" >"$TMP/held"
}

resends() {
	resends_n=$(sed -n 's/.*needs \([0-9]*\) files.*/\1/p' "$1")
	[ "${resends_n:-0}" -le $((3 - $(cat "$TMP/held"))) ] ||
		echo "sends $resends_n files again, of which $(cat "$TMP/held") were there"
}
