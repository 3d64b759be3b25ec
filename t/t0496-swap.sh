#!/bin/sh
# Whatever turns into a symbolic link while deploys run, on the server or in
# the tree: nothing is read or written outside of it.
# It takes long.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

SWAP=$BUILD/t/lib/swap
blog=$DEPLOYD_ROOT/blog
own=$blog/.deployd
printf '[deployd]\nkeep = 2\n' >"$DEPLOYD_CONF"

# The names that links lead to: what the tree has, and what the store has.
outside() {
	rm -rf outside && mkdir outside
	(
		cd outside || exit 1
		mkdir -p er inner sub shared d tmp next stage records \
			manifests logs trash apart products storage releases
		for at in . er inner sub d products storage tmp; do
			for name in one two three made inner seed; do
				[ -e "$at/$name" ] || echo SECRET >"$at/$name"
			done
			mkdir -p "$at/deep" "$at/src"
			echo SECRET >"$at/deep/three"
			echo SECRET >"$at/src/two"
		done
		find . -exec touch -h -d @1000000000 {} + -exec chmod go-rwx {} +
	)
}

# What an outsider could tell: names, modes, owners, sizes, times, contents.
facts() {
	(cd outside && find . -printf '%P %y %m %U %s %T@ %n\n' | LC_ALL=C sort &&
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat)
}

# Made elsewhere, and there in one step: we follow no link either.
tree() {
	rm -rf new && mkdir -p new/src new/d/deep/er new/storage/sub
	echo "one $1" >new/one
	echo "two $1" >new/src/two
	echo "three $1" >new/d/deep/three
	echo "four $((${1##*.} / 3))" >new/d/deep/er/four
	echo seed >new/storage/sub/seed
	printf '%s\n' '[app]' 'shared = storage/sub/' \
		'carry = products/inner' >new/deploy.conf
	until rm -rf app && mv -T new app; do :; done 2>/dev/null
}

# What a build has made.
products() {
	rm -rf made && mkdir -p made/inner/er
	echo made >made/inner/er/one
	echo made >made/inner/three
	mv -T made "$blog/$(readlink "$blog/current")/products" 2>/dev/null
}

# deploys NAME N COMMAND...: while things are swapped, each with its end.
deploys() {
	name=$1 n=$2
	shift 2
	i=0 well=0
	while [ "$i" -lt "$n" ]; do
		i=$((i + 1))
		tree "$name.$i"
		[ $((i % 3)) -ne 0 ] || rm -rf "$blog/shared/storage" 2>/dev/null
		products
		timeout 60 "$@" "$DEPLOY" --force local:blog app >>"$TMP/said" 2>&1
		status=$?
		[ "$status" -ne 0 ] || well=$((well + 1))
		[ "$status" -lt 100 ] || bad="$bad $i:$status"
		case $i in
		*4) timeout 60 "$@" "$DEPLOY" rollback local:blog >>"$TMP/said" 2>&1 ;;
		*7) timeout 60 "$@" "$DEPLOY" prune local:blog >>"$TMP/said" 2>&1 ;;
		*9) timeout 60 "$@" "$DEPLOY" fetch local:blog "$(live blog)" \
			-O "$TMP/fetched.$i" >>"$TMP/said" 2>&1 ;;
		esac
	done
}

# attack NAME PATTERNS N COMMAND...: N deploys by way of COMMAND (env for
# none) while what matches the patterns is swapped.
attack() {
	name=$1 patterns=$2 bad=''
	shift 2
	rm -rf srv links fetched.* && mkdir links
	outside
	facts >"$TMP/before"
	tree 0
	"$@" "$DEPLOY" local:blog app >>"$TMP/said" 2>&1
	settle
	: >"$TMP/said"
	# shellcheck disable=SC2086 # several, and the helper matches them
	set -f && spawn "$TMP/swaps" "$SWAP" "$TMP/outside" "$TMP/links" $patterns
	set +f
	swapper=$PID
	deploys "$name" 20 "$@"
	kill "$swapper"
	wait "$swapper"
	settle
	is "$name: every deploy comes to an end" "$bad" ''
	ok 'things were swapped' test "$(cat "$TMP/swaps")" -gt 100
	diag "$name: $well of 20 went well, $(cat "$TMP/swaps") exchanges"
	facts >"$TMP/after"
	is 'nothing outside is changed' "$(diff "$TMP/before" "$TMP/after")" ''
	is 'nor is anything of it inside' \
		"$(grep -rl SECRET "$DEPLOYD_ROOT" links fetched.* 2>/dev/null)" ''
}

live_again() {
	tree "$1"
	rm -rf "$blog/shared/storage"
	ok 'afterwards a deploy goes well' "$DEPLOY" --force local:blog app
	is 'and is the tree' "$(cat "$blog/current/one" "$blog/current/d/deep/three" \
		"$blog/current/src/two")" \
		"one $1
three $1
two $1"
	settle
}

tree_parts="d src one d/deep d/deep/er d/deep/three src/two products"
tree_parts="$tree_parts products/inner products/inner/er products/inner/three"
in_store=''
for part in $tree_parts; do
	in_store="$in_store $own/next/$part $own/stage/$part $own/trash/*/$part"
	in_store="$in_store $blog/releases/*/$part"
done
in_store="$in_store $blog/shared/storage $blog/shared/storage/sub"
in_store="$in_store $blog/shared/storage/sub/seed"
in_own=''
for part in tmp next stage records manifests logs trash apart; do
	in_own="$in_own $own/$part"
done
in_own="$in_own $blog/shared $blog/releases $own/tmp/*"
in_tree=''
for part in d src one d/deep d/deep/er d/deep/three src/two storage storage/sub; do
	in_tree="$in_tree $TMP/app/$part"
done

for how in env "$BUILD/t/lib/without-openat2 ENOSYS" \
	"$BUILD/t/lib/without-openat2 EPERM"; do
	case $how in
	*ENOSYS) what='by hand' ;;
	*EPERM) what='where forbidden' ;;
	*) what='by the kernel' ;;
	esac
	# shellcheck disable=SC2086 # a command and its argument
	{
		attack "releases, $what" "$in_store" $how
		live_again "1.1"
		[ "$what" = 'where forbidden' ] || {
			attack "the store, $what" "$in_own" $how
			attack "the tree, $what" "$in_tree" $how
			live_again "1.2"
		}
	}
done
done_testing
