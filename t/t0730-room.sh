#!/bin/sh
# Room on the server: figures, prune, pin, remove; and fetch, with which an
# app moves to another server.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

own=$DEPLOYD_ROOT/blog/.deployd
# What a spare takes would be in the figures; it has its own part below.
conf() {
	printf '[deployd]\nspare = no\n%s\n' "$1" >"$DEPLOYD_CONF"
}
conf ''
make_tree app
releases() {
	find "$DEPLOYD_ROOT/blog/releases" -mindepth 1 -maxdepth 1 -printf '%f\n' |
		LC_ALL=C sort
}
has() {
	test -d "$DEPLOYD_ROOT/blog/releases/$1"
}
n=0
next() {
	n=$((n + 1))
	echo "$n" >app/one
	"$DEPLOY" -q local:blog app || diag "deploy failed"
}
# until_empty DIR: waits for what is deleted in the background.
until_empty() {
	room_tries=0
	while [ -n "$(ls "$1" 2>/dev/null)" ] && [ "$room_tries" -lt 100 ]; do
		room_tries=$((room_tries + 1))
		sleep 0.1
	done
	ls "$1"
}

# Figures.
head -c 3000000 /dev/urandom >app/big
next
mkdir -p "$DEPLOYD_ROOT/blog/shared"
head -c 2000000 /dev/urandom >"$DEPLOYD_ROOT/blog/shared/upload"
ln "$DEPLOYD_ROOT/blog/shared/upload" "$DEPLOYD_ROOT/blog/shared/again"
ok 'status' "$DEPLOY" status local:blog
like 'says what each part takes' "$OUT" \
	'^  disk +releases 3\.[0-9] MB, next [0-9.]+ K?B, shared 2\.0 MB, cache [0-9.]+ K?B$'
like 'and what is free' "$OUT" '^  room +.* of .* free$'
"$DEPLOY" --json status local:blog >"$TMP/json"
like 'in JSON, in bytes' "$TMP/json" '"releases_bytes":3[0-9]{6},.*"shared_bytes":20[0-9]{5},'
like 'where all was counted nothing is said' "$TMP/json" '"more":null'
ok 'status on the server' "$DEPLOYD" status blog
like 'has the same' "$OUT" '^in shared +2\.0 MB$'

# prune, pin, unpin.
first=$(live blog)
ok 'pin' "$DEPLOY" pin local:blog "${first#*-}"
like 'says what it means' "$OUT" "local:blog: $first is pinned: retention spares it"
ok 'again' "$DEPLOY" pin local:blog "$first"
like 'it is so already' "$OUT" 'is already pinned'
is 'which is one event' "$(events blog | tr ' ' '\n' | grep -c '^pinned$')" 1
ok 'releases' "$DEPLOY" releases local:blog
like 'shows it' "$OUT" "^\\* $first +live,pinned"
fails 2 'pin without a release' "$DEPLOY" pin local:blog
like 'says what it needs' "$OUT" 'pin needs a release'
fails 4 'pin of an unknown one' "$DEPLOY" pin local:blog 19990101
like 'lists what there is' "$OUT" "there are: $first"
fails 4 'an app that is not there' "$DEPLOY" pin local:blogg "$first"
like 'and the near miss' "$OUT" "this server has 'blog'"
next
next
next
second=$(releases | sed -n 2p)
ok 'there is nothing to drop' "$DEPLOY" prune local:blog
like 'which is said' "$OUT" 'local:blog: there is nothing to drop'
conf 'keep = 1'
mkdir "$own/trash/old"
head -c 1000000 /dev/urandom >"$own/trash/old/x"
ok 'a dry run of prune' "$DEPLOY" prune -n local:blog
like 'tells what would go' "$OUT" "^$second: 3\\.[0-9] MB"
like 'and what lies in trash' "$OUT" '^what was in trash: 1\.0 MB'
like 'in all' "$OUT" 'a prune would drop 1 release, 4\.[0-9] MB'
is 'and drops nothing' "$(releases | wc -l)" 4
"$DEPLOY" --json prune -n local:blog >"$TMP/json" 2>&1
like 'in JSON' "$TMP/json" "\"event\":\"dropped\",\"target\":\"local:blog\",\"release\":\"$second\",\"bytes\":3"
like 'as compared' "$TMP/json" '"outcome":"compared"'
ok 'prune' "$DEPLOY" prune local:blog
like 'says what it dropped' "$OUT" "dropped $second: 3\\.[0-9] MB"
like 'and how much room that gave' "$OUT" 'local:blog: dropped 1 release, 4\.[0-9] MB'
fails 1 'it is gone' has "$second"
ok 'the pinned one stays' has "$first"
is 'trash is emptied' "$(until_empty "$own/trash")" ''
ok 'unpin' "$DEPLOY" unpin local:blog "$first"
like 'is said' "$OUT" 'is not pinned: retention does not spare it'
ok 'then prune on the server' "$DEPLOYD" prune blog
like 'drops it' "$OUT" "dropped $first: 3\\.[0-9] MB"
fails 1 'and it is gone' has "$first"
like 'history knows of both' "$own/history" " unpinned $first - "
ok 'a silent prune' "$DEPLOY" -q prune local:blog
is 'prints nothing' "$(cat "$OUT")" ''

# Keys: each of these is for who is allowed to.
for verb in prune "pin 2026" "unpin 2026" "remove" "fetch 2026"; do
	# A deployd that is limited as authorized_keys would.
	printf '#!/bin/sh\nexec "%s" "$@" --allow read,deploy,rollback,env,run\n' \
		"$DEPLOYD" >"$TMP/limited"
	chmod 755 "$TMP/limited"
	# shellcheck disable=SC2086 # words
	set -- $verb
	name=$1
	shift
	[ "$name" != remove ] || set -- --confirm=blog
	[ "$name" != fetch ] || set -- "$@" -O "$TMP/no.tar"
	fails 4 "$name by a key that may not" \
		"$DEPLOY" "$name" -t local:blog --deployd="$TMP/limited" "$@"
	like 'is refused' "$OUT" 'not authorised to do that to blog: it takes `(admin|secrets).'
done
is 'and no archive is left' "$(ls "$TMP"/no.tar* 2>/dev/null)" ''

# fetch.
fails 2 'fetch without a release' "$DEPLOY" fetch local:blog
fails 2 'events and an archive do not share standard output' \
	"$DEPLOY" --json fetch local:blog "$(live blog)"
"$BUILD/t/lib/pty-answer" -- "$DEPLOY" fetch local:blog "$(live blog)" \
	>"$TMP/shown" 2>&1
is 'nor does a terminal get one' $? 2
like 'which is said' "$TMP/shown" 'not for a terminal'
ok 'fetch into a file' "$DEPLOY" fetch local:blog "$(live blog)" -O "$TMP/a.tar"
like 'says what came' "$OUT" "fetched $(live blog): 8 files, 3\\.0 MB, in "
mkdir got
ok 'which any tar reads' tar -xf "$TMP/a.tar" -C got
is 'without a warning' "$(cat "$OUT")" ''
listing app >"$TMP/sent"
listing got >"$TMP/came"
is 'the archive holds the tree' "$(diff "$TMP/sent" "$TMP/came")" ''
"$DEPLOY" fetch local:blog "$(live blog)" 2>/dev/null >"$TMP/b.tar"
is 'standard output has the same' "$(cmp "$TMP/a.tar" "$TMP/b.tar" 2>&1)" ''
"$DEPLOY" -q fetch local:blog "$(live blog)" 2>&1 -O - | cmp - "$TMP/a.tar" >"$TMP/differ" 2>&1
is 'and -O -' "$(cat "$TMP/differ")" ''
"$DEPLOY" --json fetch local:blog "$(live blog)" -O "$TMP/c.tar" >"$TMP/json" 2>/dev/null
like 'in JSON' "$TMP/json" "\"event\":\"fetched\",\"release\":\"$(live blog)\",\"tree\":\"$(live blog | cut -d- -f2)[0-9a-f]{56}\",\"files\":8,\"bytes\":"
ok 'deployed from the archive' "$DEPLOY" --tar="$TMP/a.tar" local:copy
is 'it is the same tree' "$(live copy | cut -d- -f2)" "$(live blog | cut -d- -f2)"
same_tree 'file by file' app copy
ok 'to a device' "$DEPLOY" fetch local:blog "$(live blog)" -O /dev/null
ok 'which stays one' test -c /dev/null
mkdir empty
ok 'an empty tree' "$DEPLOY" --force local:void empty
ok 'can be fetched' "$DEPLOY" fetch local:void "$(live void)" -O "$TMP/void.tar"
is 'it has no members' "$(tar -tf "$TMP/void.tar")" ''
fails 1 'into a directory that is not there' \
	"$DEPLOY" fetch local:blog "$(live blog)" -O "$TMP/none/x.tar"
fails 2 'from several at once' "$DEPLOY" fetch -t local:blog -t local:copy -t local:void 2026
like 'is refused' "$OUT" 'fetch is for one target'
if [ -w /dev/full ]; then
	"$DEPLOY" fetch local:blog "$(live blog)" >/dev/full 2>"$TMP/said"
	is 'a full disk here' $? 1
	like 'is said' "$TMP/said" 'cannot write the archive: No space'
else
	skip 'a full disk here' 'there is no /dev/full'
	skip 'is said' 'there is no /dev/full'
fi

# What was altered on the server.
current=$DEPLOYD_ROOT/blog/current
echo zzz >"$current/src/two"
rm "$TMP/c.tar"
fails 4 'an altered file' "$DEPLOY" fetch local:blog "$(live blog)" -O "$TMP/c.tar"
like 'is named' "$OUT" 'src/two was altered on the server since it was deployed'
is 'no archive comes to be' "$(ls "$TMP"/c.tar* 2>/dev/null)" ''
"$DEPLOY" fetch local:blog "$(live blog)" >"$TMP/c.tar" 2>/dev/null
is 'nor by a pipe' $? 4
fails 1 'what there is of it is no archive' "$DEPLOY" --tar="$TMP/c.tar" local:other
like 'that deploy takes' "$OUT" 'damaged or cut short'
ok '--force takes it as it is' "$DEPLOY" --force fetch local:blog "$(live blog)" -O "$TMP/c.tar"
like 'with a warning' "$OUT" 'src/two was altered on the server; it is taken'
is 'altered' "$(tar -xOf "$TMP/c.tar" src/two)" zzz
rm "$current/run"
echo longer >>"$current/one"
fails 4 'files that are gone or longer' "$DEPLOY" fetch local:blog "$(live blog)" -O "$TMP/d.tar"
like 'are named before anything is sent' "$OUT" '2 files of this release are not what was deployed: one, run$'
ok 'with --force' "$DEPLOY" --force fetch local:blog "$(live blog)" -O "$TMP/d.tar"
like 'they are left out' "$OUT" 'run is left out'
is 'and the others are there' "$(tar -tf "$TMP/d.tar" | grep -c -e '^run$' -e '^one$' -e '^big$')" 1

# Shared paths: the release has a link there.
mkdir site site/storage
echo seed >site/storage/seed
echo page >site/index.html
cat >site/deploy.conf <<'END'
[app]
shared = storage/
[remote "old"]
url = local:site
END
ok 'an app with a shared path' "$DEPLOY" -C site
ok 'what seeded it is fetched from there' "$DEPLOY" -C site fetch "$(live site)" -O "$TMP/site.tar"
is 'as it was deployed' "$(tar -xOf "$TMP/site.tar" storage/seed)" seed
echo grown >"$DEPLOYD_ROOT/site/shared/storage/seed"
fails 4 'what changed there since' "$DEPLOY" -C site fetch "$(live site)" -O "$TMP/site.tar"
like 'is not the release' "$OUT" 'not what was deployed: storage/seed'
ok 'is left out with --force' "$DEPLOY" -C site --force fetch "$(live site)" -O "$TMP/site.tar"
is 'and never sent' "$(tar -tf "$TMP/site.tar" | tr '\n' ' ')" 'index.html storage/ '

# remove.
fails 2 'remove without a terminal' setsid -w "$DEPLOY" remove local:copy
like 'says how to do without' "$OUT" '--confirm=copy'
fails 2 'the wrong name' "$DEPLOY" remove local:copy --confirm=blog
ok 'removes nothing' test -e "$DEPLOYD_ROOT/copy/current"
"$BUILD/t/lib/pty-answer" 'to go on: ' nope -- "$DEPLOY" remove local:copy >"$TMP/shown" 2>&1
is 'neither does a wrong answer' $? 1
like 'which is said' "$TMP/shown" 'that is not copy: nothing was removed'
fails 4 'an app that is not there' "$DEPLOY" remove local:copi --confirm=copi
like 'the near miss' "$OUT" "this server has 'copy'"
fails 2 'several at once' "$DEPLOY" remove -t local:copy -t local:void
fails 2 'a word that looks like a release is no release' "$DEPLOY" remove 20261124
"$BUILD/t/lib/pty-answer" 'to go on: ' copy -- "$DEPLOY" remove local:copy >"$TMP/shown" 2>&1
is 'the right answer does' $? 0
like 'where its archive is' "$TMP/shown" "removed local:copy; its env, shared files and history are in $DEPLOYD_ROOT/.removed/copy-[0-9TZ]*\\.tar"
fails 1 'its directory is gone' test -e "$DEPLOYD_ROOT/copy"
is 'and its bytes' "$(until_empty "$DEPLOYD_ROOT/.deployd/trash")" ''
printf 'KEY=value\n' >"$DEPLOYD_ROOT/site/env"
chmod 600 "$DEPLOYD_ROOT/site/env"
mkfifo "$DEPLOYD_ROOT/site/shared/fifo"
(cd "$DEPLOYD_ROOT/site/current" && exec sleep 67) &
user=$!
reap $user
fails 4 'an app in which a process runs' "$DEPLOY" remove local:site --confirm=site
like 'is refused, the process named' "$OUT" "processes run in site: $user \\(sleep\\) in releases/"
like 'with what to do' "$OUT" 'stop them first; --force'
ok 'and is whole' test -e "$DEPLOYD_ROOT/site/current/index.html"
is 'no archive was begun' "$(find "$DEPLOYD_ROOT/.removed" -name 'site*')" ''
ok 'with --force' "$DEPLOY" --json --force remove local:site --confirm=site
kept=$(sed -n 's/.*"kept":"\([^"]*\)".*/\1/p' "$OUT")
like 'it goes' "$OUT" '"event":"removed","target":"local:site","kept":"/'
like 'as removed' "$OUT" '"outcome":"removed"'
like 'what cannot be kept is said' "$OUT" 'shared/fifo is no file and is not kept'
kill $user
is 'the archive is for nobody else' "$(stat -c %a "$kept" "$(dirname "$kept")" | tr '\n' ' ')" '600 700 '
is 'it holds env, shared and history' "$(tar -tf "$kept" | sort | tr '\n' ' ')" \
	'.deployd/history env shared/ shared/storage/ shared/storage/seed '
is 'as they were' "$(tar -xOf "$kept" env shared/storage/seed | tr '\n' ' ')" 'KEY=value grown '
is 'with their modes' "$(tar -tvf "$kept" env | cut -c1-10)" '-rw-------'
tar -xOf "$kept" .deployd/history >"$TMP/history"
like 'and who removed it' "$TMP/history" ' removing - - [^ ]+ -$'
ok '--no-keep' "$DEPLOY" remove local:void --confirm=void --no-keep
like 'keeps nothing' "$OUT" 'removed local:void; nothing of it was kept'
is 'no archive' "$(find "$DEPLOYD_ROOT/.removed" -name 'void*')" ''

# An archive that cannot be written: nothing is removed.
rm -rf "$DEPLOYD_ROOT/.removed"
: >"$DEPLOYD_ROOT/.removed"
fails 4 'where no archive can be' "$DEPLOY" remove local:blog --confirm=blog
like 'the app stays' "$OUT" 'blog stays: .*--no-keep|blog stays: '
like 'and what to do is said' "$OUT" 'or remove it with --no-keep'
ok 'whole' "$DEPLOY" status local:blog
rm "$DEPLOYD_ROOT/.removed"

# Others at work.
cat >app/deploy.conf <<END
[hooks]
build = touch $TMP/building; while test -e $TMP/building; do sleep 0.1; done
END
spawn "$TMP/slow" "$DEPLOY" local:blog app
i=0
until [ -e "$TMP/building" ] || [ $i -gt 100 ]; do
	i=$((i + 1))
	sleep 0.1
done
fails 5 'prune while a deploy runs' "$DEPLOY" prune local:blog
fails 5 'remove too' "$DEPLOY" remove local:blog --confirm=blog
ok 'pin does not wait for a build' "$DEPLOY" pin local:blog "$(live blog)"
rm "$TMP/building"
wait "$PID"
is 'the deploy ends well' $? 0
like 'the pin is not lost' "$own/records/$(releases | head -n 1)" '^pinned yes'
rm app/deploy.conf

# Who waits for the lock of an app that goes finds it gone.
echo 3 >app/one
mkdir -p "$DEPLOYD_ROOT/.removed"
head -c 60000000 /dev/zero >"$DEPLOYD_ROOT/blog/shared/large"
spawn "$TMP/removal" "$DEPLOY" remove local:blog --confirm=blog
removal=$PID
fails 4 'a deploy that waits meanwhile' sh -c "
	until [ -e '$DEPLOYD_ROOT/.removed/blog.tmp' ] || [ ! -e '$own' ]; do :; done
	'$DEPLOY' rollback local:blog"
wait "$removal"
is 'the removal ends well' $? 0
fails 1 'and the app does not come back' test -e "$DEPLOYD_ROOT/blog"
ok 'a deploy makes it anew' "$DEPLOY" --force local:blog app
like 'with nothing before it' "$OUT" 'blog is a new app here'

# The chapter on moving, as it stands in the page: two servers, each a home
# that an ssh without a network leads to.
mkdir -p "$TMP/bin" "$TMP/old" "$TMP/new"
cat >"$TMP/bin/ssh" <<END
#!/bin/sh
while :; do
	case \$1 in
	-[oFiJplcbDEeILmOQRSWw]) shift 2 ;;
	-*) shift ;;
	*) break ;;
	esac
done
HOME=$TMP/\${1#*@}
export HOME
unset DEPLOYD_ROOT
shift
cd && exec sh -c "\$*"
END
chmod 755 "$TMP/bin/ssh"
PATH=$TMP/bin:$PATH
DEPLOY_SSH=$TMP/bin/ssh
export PATH DEPLOY_SSH
mkdir blog
make_tree blog
cat >blog/deploy.conf <<'END'
[app]
shared = uploads/
[hooks]
build = echo "$COLOUR" >colour
[remote "old"]
url = ann@old:blog
[remote "new"]
url = ann@new:blog
END
cd blog || exit 1
printf blue | "$DEPLOY" -q env set old COLOUR
"$DEPLOY" -q old || diag 'the first deploy failed'
echo picture >"$TMP/old/apps/blog/shared/uploads/cat.jpg"
moved=$(basename "$(readlink "$TMP/old/apps/blog/current")")
rm -rf one src
section=$(awk '/^\.S[sh]/ { inside = /Moving an app/ } inside' "$TOP/man/deploy.1")
printf '%s\n' "$section" | sed -n 's/^\$ //p' |
	sed "s/[0-9]*T[0-9]*Z-[0-9a-f]*/$moved/" >"$TMP/chapter"
is 'the chapter has six commands' "$(wc -l <"$TMP/chapter")" 6
ok 'which do what they say' sh -ec ". '$TMP/chapter'"
new=$TMP/new/apps/blog
is 'the tree has moved' "$(readlink "$new/current" | cut -d- -f2)" "${moved#*-}"
is 'file by file' "$(cat "$new/current/one" "$new/current/src/two" | tr '\n' ' ')" 'one two '
is 'the variables' "$(cat "$new/current/colour")" blue
is 'and the shared files' "$(cat "$new/current/uploads/cat.jpg")" picture
fails 1 'the old server has no app any more' test -e "$TMP/old/apps/blog"
is 'but what is left of it' "$(tar -tf "$TMP"/old/apps/.removed/blog-*.tar | grep -c -e '^env$' -e cat.jpg)" 2
done_testing
