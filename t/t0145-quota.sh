#!/bin/sh
# A quota that is used up while the disk has room, which nothing foretells:
# a deploy is refused or it works, what was live is whole, and nothing is left
# of the other.  A quota group of btrfs, which holds for root, too.
. "$(dirname "$0")/lib/tap.sh"

PATH=$PATH:/usr/sbin:/sbin
own_mounts
for tool in mkfs.btrfs btrfs; do
	command -v $tool >/dev/null || skip_all "there is no $tool"
done
. "$TOP/t/lib/app.sh"
DEPLOYD_ROOT=$TMP/mounted/srv
. "$TOP/t/lib/faults.sh"

mkdir "$TMP/mounted"
truncate -s 512M "$TMP/disk"
if ! mkfs.btrfs -q "$TMP/disk" >"$TMP/why" 2>&1 ||
	! mount -o loop "$TMP/disk" "$TMP/mounted" 2>"$TMP/why"; then
	skip_all 'no btrfs can be mounted'
fi
trap 'umount -l "$TMP/mounted"; tap_exit' EXIT
if ! btrfs quota enable "$TMP/mounted" 2>"$TMP/why" ||
	! btrfs subvolume create "$DEPLOYD_ROOT" >"$TMP/why" 2>&1; then
	skip_all 'this btrfs has no quotas'
fi
group=0/$(btrfs inspect-internal rootid "$DEPLOYD_ROOT")
printf '[deployd]\nkeep = 2\nreserve = 0\n' >"$DEPLOYD_CONF"

# quota KIB: so much more may be taken; quota none.
quota() {
	sync -f "$DEPLOYD_ROOT"
	quota_most=none
	[ "$1" = none ] ||
		quota_most=$(($(quota_used) + $1 * 1024))
	# From above: below a quota that is used up this fails, too.
	btrfs qgroup limit "$quota_most" "$group" "$TMP/mounted"
}
quota_used() {
	btrfs qgroup show --raw -f "$DEPLOYD_ROOT" |
		awk '$1 ~ /^0\// { print $2 }'
}

quota 1000
if ! head -c 2000000 /dev/zero >"$DEPLOYD_ROOT/x" 2>"$TMP/why"; then
	ok 'there is a quota, and room' test "$(df --output=avail -k \
		"$DEPLOYD_ROOT" | tail -n 1)" -gt 100000
else
	skip_all 'this btrfs keeps no quota'
fi
quota none
rm "$DEPLOYD_ROOT/x"

next_version
ok 'a first deploy' "$DEPLOY" local:blog app
next_version
ok 'another one' "$DEPLOY" local:blog app
settle

# More than there is of it, in the middle of a file.
next_version
head -c 4000000 /dev/urandom >app/large
cp app/large "$TMP/versions/$VERSION"
quota 2000
fails 4 'an upload over the quota' "$DEPLOY" local:blog app
like 'says so' "$OUT" 'Disk quota exceeded'
like 'with what to do' "$OUT" 'quota on the server is used up: deploy prune'
settle
quota none
is 'what was live is' "$(is_whole && echo "$LIVE")" $((VERSION - 1))
ok 'nothing is wrong with it' "$DEPLOYD" fsck blog
is 'with the quota raised all is well' "$(mends)" ''

n=0
enough=0
stride=192
[ -z "${SOAK:-}" ] || stride=16
while [ "$enough" -lt 2 ] && [ $n -lt 10000 ]; do
	next_version
	quota $n
	try_deploy
	is "$n KiB may be taken: status $status" \
		"$(refused_or_done $((VERSION - 1)) '4 6' \
			'Disk quota exceeded' 'quota on the server is used up')" ''
	quota none
	is 'then all is well' "$(mends)" ''
	n=$((n + stride))
done
is 'twice there was enough' "$enough" 2
done_testing
