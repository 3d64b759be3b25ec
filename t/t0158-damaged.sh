#!/bin/sh
# shellcheck disable=SC2016,SC2034 # what is eval'd later, and used there
# Commands on a store of which a part is gone or spoilt: what it is, and what
# to do.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
app=$DEPLOYD_ROOT/blog
own=$app/.deployd
make_tree app
for version in one two; do
	echo "$version" >app/one
	ok "deploy $version" "$DEPLOY" local:blog app
done
settle
live=$(live blog)
previous=$(basename "$(find "$app/releases" -mindepth 1 -maxdepth 1 ! -name "$live")")
manifest=$(sed -n 's/^manifest //p' "$own/records/$live")
cp -a "$app" "$TMP/kept"

advice='there are:|deployd? fsck|deploy again|deploy releases|deploy rollback|deploy\.conf'

# of WHAT COMMAND-OF-DAMAGE: each verb is done, or refused with advice; and
# none drops what can be gone back to.
of() {
	wrong=
	for verb in diff status releases verify log rollback 'run local:blog -- true' \
		"fetch local:blog $live" restart prune -n --rebuild fsck; do
		rm -rf "$app"
		cp -a "$TMP/kept" "$app"
		eval "$2"
		ls "$app"/releases/ "$app"/r/ >"$TMP/before" 2>&1
		# shellcheck disable=SC2086 # the words of one
		case $verb in
		*' '*) set -- "$1" "$2" $verb ;;
		-*) set -- "$1" "$2" --rebuild "$verb" local:blog app ;;
		diff) set -- "$1" "$2" diff local:blog app ;;
		*) set -- "$1" "$2" "$verb" local:blog ;;
		esac
		damage=$1
		what=$2
		shift 2
		"$DEPLOY" "$@" >"$TMP/said" 2>&1
		status=$?
		set -- "$damage" "$what"
		ls "$app"/releases/ "$app"/r/ >"$TMP/after" 2>&1
		case $verb:$status in
		*:0 | fsck:1) ;;
		*:4) grep -Eq "$advice" "$TMP/said" || wrong="$wrong $verb" ;;
		*) wrong="$wrong $verb:$status" ;;
		esac
		[ "$verb" != prune ] || cmp -s "$TMP/before" "$TMP/after" ||
			wrong="$wrong dropped"
		case $wrong in *"$verb"*) diag "$verb: $(cat "$TMP/said")" ;; esac
	done
	is "$1: what it is, and what to do" "$wrong" ''
}
of 'the live record is gone' 'rm "$own/records/$live"'
of 'the live record is spoilt' 'echo x >"$own/records/$live"'
of 'the live manifest is gone' 'rm "$own/manifests/$manifest"'
of 'the live manifest is spoilt' 'echo x >"$own/manifests/$manifest"'
of 'current is gone' 'rm "$app/current"'
of 'current leads nowhere' 'ln -sfn releases/x "$app/current"'
of 'records is a link' 'mv "$own/records" "$own/r"; ln -s r "$own/records"'
of 'releases is a link' 'mv "$app/releases" "$app/r"; ln -s r "$app/releases"'
of 'the live release is gone' 'rm -rf "$app/releases/$live"'
of 'the one before is gone' 'rm -rf "$app/releases/$previous"'
of 'history is a directory' 'rm "$own/history"; mkdir "$own/history"'
of 'the record of the one before is of another tree' 'sed "s/^tree .*/tree $manifest/" "$own/records/$previous" >"$own/r" && mv "$own/r" "$own/records/$previous"'

# The tree of another's record is none to be trusted, and that is said once.
ok 'a rollback to it' "$DEPLOY" rollback local:blog
like 'says that it cannot be verified' "$OUT" \
	"$previous cannot be verified: its record is of another tree"
"$DEPLOY" fsck local:blog >"$TMP/said" 2>&1
is 'fsck says at its end how many faults there were' \
	"$(tail -n 1 "$TMP/said" | grep -c 'files read')" 1
fails 1 'fsck' "$DEPLOYD" fsck blog
like 'advises against it' "$OUT" "records/$previous.*do not go back to"
unlike 'and for it nowhere' "$OUT" 'it can be gone back to'

# anew: the store as it was kept.
anew() {
	rm -rf "$app"
	cp -a "$TMP/kept" "$app"
}

# What has lost files is told, and what has lost most is not gone back to.
anew
rm "$app/releases/$previous/one"
ok 'a rollback to what has lost a file' "$DEPLOY" rollback local:blog
like 'says which' "$OUT" "$previous lacks 1 of [0-9]* files: one"
is 'and goes there' "$(live blog)" "$previous"
ok 'to what is live' "$DEPLOY" activate local:blog "$previous"
unlike 'it is not gone' "$OUT" 'lacks'
anew
find "$app/releases/$previous" -mindepth 1 -delete
fails 4 'a rollback to what is empty' "$DEPLOY" rollback local:blog
like 'says so' "$OUT" "$previous lacks ([0-9]*) of \\1 files: "
fails 4 'an activate' "$DEPLOY" activate local:blog "$previous"
is 'nothing was switched' "$(live blog)" "$live"
ok 'it can be forced' "$DEPLOY" rollback --force local:blog
anew
echo built >app/one
ok 'one that is only built' "$DEPLOY" --no-activate local:blog app
built=$(basename "$(find "$app/releases" -mindepth 1 -maxdepth 1 ! -name "$live" ! -name "$previous")")
find "$app/releases/$built" -mindepth 1 -delete
fails 4 'and emptied is not activated' "$DEPLOY" activate local:blog "$built"

# A record that is lost is not a release that is gone.
anew
rm "$own/records/$previous"
fails 4 'a rollback to what has no record' "$DEPLOY" rollback local:blog
like 'says why' "$OUT" "the record of $previous: .*No such file"
like 'and what to do' "$OUT" 'deploy fsck'

# A directory that its owner has closed.
anew
chmod 600 "$app/releases/$previous"
ok 'fsck opens it' "$DEPLOYD" fsck blog
like 'and says so' "$OUT" "releases/$previous: mode 600, not 755 \\(repaired: its mode is set\\)"
is 'it is open' "$(stat -c %a "$app/releases/$previous")" 755

# A switch that nobody finishes is told.
rm -rf "$app"
cp -a "$TMP/kept" "$app"
echo "$(date +%s) switching $live $previous x -" >>"$own/history"
ok 'status of a switch that was cut off' "$DEPLOY" status local:blog
like 'tells of it' "$OUT" "cut off +the switch to $live"
anew
printf '[hooks]\ncheck = sleep 2\n' >app/deploy.conf
ok 'one whose check takes its time' "$DEPLOY" local:blog app
echo other >app/one
ok 'and one more' "$DEPLOY" local:blog app
settle
"$DEPLOY" rollback local:blog >"$TMP/said" 2>&1 &
pid=$!
within 5 sh -c "tail -n 1 '$own/history' | grep -q ' switching '"
ok 'status of a switch that is under way' "$DEPLOY" status local:blog
unlike 'is not cut off' "$OUT" 'cut off'
wait $pid
rm app/deploy.conf
settle
anew

# A history that lost its end: what the record has is believed.
echo three >app/one
ok 'one more' "$DEPLOY" local:blog app
settle
sed -i '/^[0-9]* switching '"$live"'/q' "$own/history"
sleep 1
"$DEPLOYD" fsck blog >"$TMP/said" 2>&1
unlike 'nothing is gone back from' "$own/history" ' reverted '
ok 'a rollback' "$DEPLOY" rollback local:blog
is 'goes to the one before' "$(live blog)" "$live"

# What a rollback would go to was removed by hand.
rm -rf "$app"
cp -a "$TMP/kept" "$app"
echo three >app/one
ok 'one more' "$DEPLOY" local:blog app
settle
rm -rf "$app/releases/$live"
ok 'a rollback goes to one further back' "$DEPLOY" rollback local:blog
like 'and says why' "$OUT" "$live was live before, but is not there any more"
is 'where it says' "$(live blog)" "$previous"
done_testing
