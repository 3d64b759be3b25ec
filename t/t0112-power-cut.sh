#!/bin/sh
# The power is cut at a call of deployd: whatever it had not made certain is
# lost.  What was answered is not, and what is live is one whole version.
. "$(dirname "$0")/lib/tap.sh"

PATH=$PATH:/usr/sbin:/sbin
own_mounts
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

faults_available || skip_all "$FAULTS_WHY"
printf '[deployd]\nkeep = 2\nreserve = 1M\n' >"$DEPLOYD_CONF"
mkdir "$DEPLOYD_ROOT"
trap 'power_off; tap_exit' EXIT

power_on() {
	mount -o loop "$TMP/disk" "$DEPLOYD_ROOT" 2>"$TMP/why"
}
# Once nobody works there any more.
power_off() {
	off_tries=0
	until umount "$DEPLOYD_ROOT" 2>/dev/null ||
		! mountpoint -q "$DEPLOYD_ROOT"; do
		off_tries=$((off_tries + 1))
		[ "$off_tries" -lt 2000 ] || return 1
		sleep 0.05
	done
}

# What is on the disk when the power is back.
survived() {
	is_whole
	[ "$1" -ne 0 ] || [ "$LIVE" = "$VERSION" ] ||
		echo "$VERSION was answered for, and $LIVE is live"
	[ "$1" -eq 0 ] || [ -s "$TMP/said" ] || echo "status $1 without a word"
	mends
}

# each TYPE MKFS SIZE STRIDE [MANY FIRST]: with a build; else with so many files
# that change besides, and at each sync, too, from that one up to the first
# that comes behind the answer.
each() {
	type=$1 PLAIN=${5:+yes} MANY=${5:-0}
	command -v "$2" >/dev/null || {
		skip "power cuts on $type" "there is no $2"
		return
	}
	type="$type${5:+, $5 more files}"
	rm -rf app
	next_version
	rm -f "$TMP/disk"
	truncate -s "$3" "$TMP/disk"
	if ! "$2" -q "$TMP/disk" >"$TMP/why" 2>&1 || ! power_on; then
		skip "power cuts on $type" "$(head -n 1 "$TMP/why")"
		return
	fi
	ok "$type: a first deploy" "$DEPLOY" local:blog app
	next_version
	ok "$type: another one" "$DEPLOY" local:blog app
	n=1
	while cut "$n" change; do
		n=$((n + ${SOAK:-$4}))
	done
	is "$type: without a cut it goes well" "$status" 0
	settle
	n=${6:-0}
	while [ -n "$PLAIN" ] && cut "$n" fsync && [ "$status" -ne 0 ]; do
		n=$((n + 1))
	done
	power_off
}
# cut N CLASS: at that call, if there are so many.
cut() {
	next_version
	settle
	faulty -n "$1" -c "$2" -a shutdown -f "$DEPLOYD_ROOT"
	"$DEPLOY" --deployd="$TMP/faulty" local:blog app >"$TMP/said" 2>&1
	status=$?
	faults_settle
	hit=$(faults_hit)
	[ -n "$hit" ] || return 1
	power_off
	power_on
	is "$type, $2 $1, status $status: $hit" "$(survived $status)" ''
}

each ext4 mkfs.ext4 64M 23
each xfs mkfs.xfs 300M 23
# What no build makes is synced file by file; many files are at once.
each ext4 mkfs.ext4 64M 41 1 14
each xfs mkfs.xfs 300M 41 1 14
each ext4 mkfs.ext4 64M 997 300 9
each xfs mkfs.xfs 300M 997 300 9
done_testing
