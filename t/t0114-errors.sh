#!/bin/sh
# A call of deployd's, or of the client's, fails or does a part only.  What
# can go on does; else the reason is said, what was live is, and the next
# deploy works.
# It takes long.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

faults_need
printf '[deployd]\nkeep = 2\n' >"$DEPLOYD_CONF"

at_server() {
	faulty "$@"
	"$DEPLOY" --deployd="$TMP/faulty" local:blog app
}
at_client() {
	rm -f "$TMP/hit"
	"$FAULT" -p deploy -l "$TMP/hit" "$@" "$DEPLOY" local:blog app
}

# judge STATUS STATUSES REASON: one of these is right, and what is said.
judge() {
	is_whole
	case " $2 " in
	*" $1 "*) ;;
	*)
		echo "status $1"
		cat "$TMP/said"
		;;
	esac
	if [ "$1" -eq 0 ]; then
		[ "$LIVE" = "$VERSION" ] || echo "status 0, and $LIVE is live"
	else
		grep -q "$3" "$TMP/said" || cat "$TMP/said"
	fi
	mends
}

# each STRIDE WHERE STATUSES REASON FAULT...
each() {
	stride=${SOAK:-$1}
	# Once is all there is to it.
	[ "$1" -lt 1000 ] || stride=$1
	where=$2 statuses=$3 reason=$4
	shift 4
	n=1
	while :; do
		next_version
		settle
		"$where" -n $n "$@" >"$TMP/said" 2>&1
		status=$?
		faults_settle
		settle
		hit=$(faults_hit)
		[ -n "$hit" ] || break
		is "$where, $* at call $n: $hit, status $status" \
			"$(judge $status "$statuses" "$reason")" ''
		n=$((n + stride))
	done
	diag "$where, $*: $(cat "$TMP/hit") calls"
}

next_version
ok 'a first deploy' "$DEPLOY" local:blog app
next_version
ok 'another one' "$DEPLOY" local:blog app
# What cannot be read of an index has changed, to who reads it.
io='Input/output error\|next.index changed while it was read'
space='No space left'
# What to do, which is said with it.
quota='quota on the server is used up: deploy prune'
memory='out of memory\|not enough memory'
files='Too many open files'

# In the store: a disk that fails once, or from there on; a full one, a quota.
each 67 at_server '0 4 6' "$io" -f "$DEPLOYD_ROOT" -c change -a EIO
each 131 at_server '0 4 6' "$io" -f "$DEPLOYD_ROOT" -c open,read -a EIO
each 53 at_server '0 4 6' "$space" -f "$DEPLOYD_ROOT" -c write,name,sync -a ENOSPC
each 61 at_server '0 4 6' "$quota" -f "$DEPLOYD_ROOT" -c write,name,sync -a EDQUOT
each 173 at_server '0 4 6 8 9' "$io" -f "$DEPLOYD_ROOT" -c change,open,read -a EIO+
each 43 at_server '0 4 6 8 9' "$space" -f "$DEPLOYD_ROOT" -c write,name -a ENOSPC+
# A spare that cannot be opened is none that is not there.
each 29 at_server '0 4 6' "$io" -f "$APP/.deployd/next" -c open -a EIO
# A directory that cannot be read is not one that ends there.
each 1 at_server '0 4 6' "$io" -f "$DEPLOYD_ROOT" -c getdents64 -a EIO
# In the tree, and in the cache, which is nothing that anybody needs.
each 17 at_client '0 1' "$io" -f "$TMP/app" -c open,read -a EIO
each 13 at_client 0 '' -f "$HOME" -c open,read,change -a EIO
each 7 at_client 0 '' -f "$HOME" -c open,change -a ENOSPC+
# What is no failure at all.
each 1000 at_server 0 '' -c transfer -a short+
each 1000 at_client 0 '' -c transfer -a short+
each 97 at_server 0 '' -c wait -a EINTR
each 71 at_client 0 '' -c wait -a EINTR
# Too little of what is no disk.  Sanitizers need memory of their own.
if grep -qs sanitize= "$BUILD/flags"; then
	skip 'too little memory' 'sanitizers end with an error of theirs'
else
	each 9 at_server '0 3 4 6' "$memory" -c memory -a ENOMEM+
	each 7 at_client '0 1 3 4 6 134' "$memory" -c memory -a ENOMEM+
fi
each 127 at_server '0 3 4 6 8 9' "$files" -c open -a EMFILE+
each 23 at_client '0 1 3 4 6' "$files" -c open -a EMFILE+

# What a failing disk hides from fsck is not all well.
settle
for inside in releases .deployd/records .deployd/manifests .deployd/logs \
	.deployd/tmp .deployd/apart; do
	n=1
	while :; do
		faulty -n $n -f "$APP/$inside" -c getdents64 -a EIO
		"$TMP/faulty" fsck blog >"$TMP/said" 2>&1
		status=$?
		faults_settle
		[ -n "$(faults_hit)" ] || break
		is "fsck that cannot read $inside, $n" "$status" 1
		n=$((n + 1))
	done
	is 'of which it can is well' "$status" 0
	ok 'and they are read' test "$n" -gt 1
done

faulty -n 1 -f "$APP/shared" -c getdents64 -a EIO
ok 'status' "$TMP/faulty" status blog
like 'tells what takes room that it does not see' "$OUT" 'shared +more than '

# Who runs in a release that would be dropped is not known, so it stays.
printf '[deployd]\nkeep = 9\nspare = no\n' >"$DEPLOYD_CONF"
for version in second third; do
	next_version
	ok "a $version one" "$DEPLOY" local:blog app
done
settle
releases=$(cd "$APP/releases" && echo *)
printf '[deployd]\nkeep = 1\nspare = no\n' >"$DEPLOYD_CONF"
faulty -n 1 -f /proc -c getdents64 -a EIO
ok 'retention that cannot look at all processes' "$TMP/faulty" prune blog
faults_settle
is 'as it was not let' "$(faults_hit)" 'getdents64 of deployd'
is 'drops nothing' "$(cd "$APP/releases" && echo *)" "$releases"
ok 'and when it can' "$DEPLOYD" prune blog
# One that was refused when it was built stays for a week.
is 'does' "$(cd "$APP/releases" && for id in *; do
	grep -l '^went-live' "$OWN/records/$id"
done | wc -l)" 2
printf '[deployd]\nkeep = 2\n' >"$DEPLOYD_CONF"

# What is archived before an app is removed is all there, or it is not removed.
mkdir -p "$APP/shared/storage/deep"
echo kept >"$APP/shared/storage/deep/file"
n=1
while :; do
	settle
	faulty -n $n -f "$APP/shared" -c getdents64 -a EIO
	"$DEPLOY" --deployd="$TMP/faulty" remove local:blog --confirm=blog \
		>"$TMP/said" 2>&1
	status=$?
	faults_settle
	hit=$(faults_hit)
	[ -n "$hit" ] || break
	is "an app whose shared files cannot be read, $n: $hit" \
		"$status $(cat "$APP/shared/storage/deep/file")" '4 kept'
	like 'is not removed, and why' "$TMP/said" 'Input/output error'
	n=$((n + 1))
done
is 'one of which they can is' "$status" 0
ok 'and they are kept' test "$n" -gt 1
like 'in the archive' "$(tar tf "$DEPLOYD_ROOT"/.removed/*.tar)" deep/file
done_testing
