#!/bin/sh
# The rules of .gitignore files, held against git's own.
. "$(dirname "$0")/lib/tap.sh"

command -v git >/dev/null || skip_all 'git is not installed'
command -v perl >/dev/null || skip_all 'perl is not installed'

SCAN=$BUILD/t/lib/scan-list
CASES=40
SEEDS=${SEEDS:-1 2 3 4 5 6 7 8 9 10}
FIRST=seed${SEEDS%% *}

# What git would have in a tree: tracked and untracked, less its own files.
git_list() {
	git -C "$1" ls-files -co --exclude-standard -z >list &&
		perl -0ne 'chomp; print "$_\n" unless m{(^|/)\.gitignore$}' list |
		LC_ALL=C sort -u
}

our_list() {
	"$SCAN" -z "$1" >list &&
		tr '\0' '\n' <list | LC_ALL=C sort
}

same_as_git() {
	git_list "$1" >expected
	our_list "$1" >found
	[ -s expected ] || echo 'nothing is in the tree'
	diff expected found
}

# A repository with $CASES random trees, some ignored files of it tracked.
random_repository() {
	git init -q "$2" &&
		"$TOP/t/lib/make-ignored" "$1" "$2" "$CASES" >tracked &&
		git -C "$2" --literal-pathspecs add -f \
			--pathspec-from-file="$PWD/tracked" --pathspec-file-nul
}

for seed in $SEEDS; do
	random_repository "$seed" "seed$seed" || exit 1
	ok "seed $seed: $CASES trees are as git has them" same_as_git "seed$seed"
done

below_the_root() {
	for tree in "$FIRST"/case*; do
		git -C "$FIRST" check-ignore -q --no-index "${tree#*/}" &&
			continue
		git_list "$tree" >expected
		our_list "$tree" >found
		diff expected found || return
	done
}
ok 'a directory within the repository is as git has it' below_the_root

with_tracked() {
	ignored=$(git -C "$FIRST" ls-files -ci --exclude-standard | wc -l)
	[ "$ignored" -gt 10 ]
}
ok 'the trees have files that are ignored and tracked' with_tracked

# What is in a tree, its files only, on one line.
files() {
	"$SCAN" -z "$@" | tr '\0' ' '
}

git init -q app
mkdir -p app/deps/one app/deps/two app/sub
touch app/deps/one/a app/deps/one/b app/deps/two/c app/x.log app/y.log \
	app/sub/z.log app/free app/main
printf 'deps/\n*.log\n' >app/.gitignore
git -C app add -f deps/one/a x.log .gitignore main
all='deps/one/a free main x.log '
is 'what git tracks is in although it is ignored' "$(files app)" "$all"
is 'and only the directories that lead to it' "$("$SCAN" app |
	sed -n 's/^d.*\t//p' | tr '\n' ' ')" 'deps deps/one '
like 'the rule says so' "$("$SCAN" -r app | tr '\t' ' ')" \
	'^\+ deps/one/a tracked by git$'
like 'and why there are the directories above it' "$("$SCAN" -r app |
	tr '\t' ' ')" '^\+ deps/one leads to what is in the tree$'
is 'GIT_DIR of a hook does not matter' "$(
	export GIT_DIR=/nonexistent GIT_INDEX_FILE=/nonexistent \
		GIT_WORK_TREE=/
	files app)" "$all"
is 'nor does a global excludes file' "$(
	echo free >excludes
	git config --global core.excludesFile "$PWD/excludes"
	files app)" "$all"
git config --global --unset core.excludesFile
is 'without git, ignored files are not in' "$(
	PATH=$TMP/none "$SCAN" -z app | tr '\0' ' ')" 'free main '
git -C app -c user.name=a -c user.email=a@b commit -qm one
git -C app worktree add -q ../worktree
is 'a worktree is like its repository' "$(files worktree)" \
	'deps/one/a main x.log '

if [ "$(id -u)" -eq 0 ]; then
	cp -R app other
	chown -R 65534:65534 other
	is "another user's repository is like one's own" "$(files other)" \
		"$all"
	printf '#!/bin/sh\ntouch "%s/ran"\n' "$TMP" >monitor
	chmod 755 monitor
	git config --file other/.git/config core.fsmonitor "$TMP/monitor"
	files other >/dev/null
	fails 1 'and its configuration runs nothing' test -e ran
else
	skip "another user's repository is like one's own" 'not root'
	skip 'and its configuration runs nothing' 'not root'
fi

git init -q app/lib
touch app/lib/x.log app/lib/y.tmp app/lib/code
echo '*.tmp' >app/lib/.gitignore
touch app/lib/k.tmp
git -C app/lib add -f k.tmp
is 'a repository within goes by its own rules' "$(files app)" \
	'deps/one/a free lib/code lib/k.tmp lib/x.log main x.log '
echo lib >>app/.gitignore
is 'unless it is ignored' "$(files app)" "$all"
echo x.log >app/.deployignore
is '.deployignore is stronger than the index' "$(files app)" \
	'deps/one/a free main '

done_testing
