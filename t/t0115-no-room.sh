#!/bin/sh
# A disk with room for a part of a deploy, in bytes and in inodes, up to where
# there is enough: it is refused or it works, what was live is whole, and one
# can go back.
. "$(dirname "$0")/lib/tap.sh"

own_mounts
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

mkdir "$DEPLOYD_ROOT"
mount -t tmpfs tmpfs "$DEPLOYD_ROOT" 2>/dev/null ||
	skip_all 'no file system can be mounted'
trap 'umount -l "$DEPLOYD_ROOT"; tap_exit' EXIT
printf '[deployd]\nkeep = 2\nreserve = 0\n' >"$DEPLOYD_CONF"

# room bytes|inodes N: so many pages or inodes are free; room all.
room() {
	case $1 in
	bytes) room_is=size=$((($(room_used used) + 4 * $2) * 1024)) ;;
	inodes) room_is=nr_inodes=$(($(room_used iused) + $2)) ;;
	*) room_is=size=64m,nr_inodes=10000 ;;
	esac
	mount -o "remount,$room_is" "$DEPLOYD_ROOT"
}
room_used() {
	df -k --output="$1" "$DEPLOYD_ROOT" | tail -n 1 | tr -d ' '
}

# Went back to the version before, on the disk as it is.
goes_back() {
	"$DEPLOY" rollback local:blog >"$TMP/back" 2>&1 || {
		echo "rollback: status $?"
		cat "$TMP/back"
	}
	is_whole
	[ "$LIVE" = "$1" ] || echo "$LIVE is live instead of $1"
}

# each bytes|inodes STRIDE
each() {
	n=0
	enough=0
	while [ "$enough" -lt 2 ]; do
		next_version
		"$DEPLOY" -q local:blog app
		settle
		next_version
		room "$1" $n
		try_deploy
		is "$n $1 free: status $status" \
			"$(refused_or_done $((VERSION - 1)) 4 \
				'No space left\|no space\|no room')" ''
		if [ "$status" -eq 4 ]; then
			room "$1" 0
			is 'one can go back on a full disk' \
				"$(goes_back $((VERSION - 2)))" ''
			next_version
		fi
		room all
		is 'with room all is well' "$(mends)" ''
		n=$((n + ${SOAK:-$2}))
	done
}

next_version
ok 'a first deploy' "$DEPLOY" local:blog app
next_version
ok 'another one' "$DEPLOY" local:blog app
each bytes 6
each inodes 7

# A build takes all there is, and what it made is kept for the next.
eats() {
	next_version
	"$DEPLOY" -q local:blog app
	settle
	next_version
	sed "s|^build = .*|build = $2|" app/deploy.conf >"$TMP/conf"
	cp "$TMP/conf" app/deploy.conf
	fails 7 "a build that takes all $1" "$DEPLOY" local:blog app
	room "$1" 0
	is 'one can go back after it' "$(goes_back $((VERSION - 2)))" ''
	cp "$TMP/settings" app/deploy.conf
	next_version
	room all
	is 'with room all is well' "$(mends)" ''
}
cp app/deploy.conf "$TMP/settings"
room bytes 100
eats bytes 'cat /dev/zero >built'
room inodes 60
# shellcheck disable=SC2016 # for the hook
eats inodes 'i=0; while : >built\$i; do i=\$((i + 1)); done'

# Not even room to begin: it says so, and what to do.
faults_available || {
	skip 'no room to begin' "$FAULTS_WHY"
	done_testing
}
# none ERROR STATUS HINT NAME APP OPTION...: no directory can be made.
none() {
	none_hint=$3
	none_app=$5
	faulty -n 1 -c mkdirat -a "$1+" "$6" "$7"
	fails "$2" "$4: $1" "$DEPLOY" --force --deployd="$TMP/faulty" \
		"local:$none_app" app
	like 'with what to do' "$OUT" "^deploy: $none_hint"
}
room all
rm app/deploy.conf
none ENOSPC 4 'make room on the server' 'a new app' new -f "$DEPLOYD_ROOT"
none EDQUOT 4 "the account's quota" 'a new app' new -f "$DEPLOYD_ROOT"
none EROFS 4 "the server's file system is read-only" 'a new app' new -f "$DEPLOYD_ROOT"
printf '[app]\nshared = uploads/\n' >app/deploy.conf
none ENOSPC 4 'make room on the server' 'a shared directory' blog -f "$APP/shared"
printf '[app]\nshared = conf/key\n' >app/deploy.conf
none ENOSPC 4 'make room on the server' 'that of a shared file' blog -f "$APP/shared"
done_testing
