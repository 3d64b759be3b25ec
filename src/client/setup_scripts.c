/*
 * What setup runs on the other machine, by its sh.  Each is one line between
 * single quotes, whatever the login shell is: csh would end it at a newline
 * and replaces what begins with an exclamation mark, fish takes a backslash
 * in front of a quote or another backslash.
 */
#include "client/setup_remote.h"

/* A new line, since what a shell greeted with may not end with one. */
#define BEGIN "printf \"\\ndeploy-setup 1\\n\"; "
/* The one that a deploy would start. */
#define PATH_OF_DEPLOY "PATH=\"$PATH:$HOME/.local/bin:/usr/local/bin\"; "
#define OURS "d=$HOME/.local/bin; "

const char setup_probe[] = BEGIN OURS PATH_OF_DEPLOY
	"say() { printf \"%s %s\\n\" \"$1\" \"$2\"; }; "
	"say os \"$(uname -s)\"; say machine \"$(uname -m)\"; "
	"say kernel \"$(uname -r)\"; say home \"$HOME\"; "
	"say user \"$(id -un)\"; "
	"set -- $(ls -ld \"$HOME/\"); say mode \"$1\"; "
	"set -- $(df -Pk \"$HOME/\" 2>/dev/null | tail -n 1); say free \"$4\"; "
	"test -d /run/systemd/system && say systemd yes; "
	"p=$(command -v deployd); say path \"$p\"; "
	"test -n \"$p\" && "
	"say runs \"$(\"$p\" --version </dev/null 2>&1 | head -n 1)\"; "
	"if test -e \"$d/deployd\"; then "
	"say version \"$(\"$d/deployd\" --version </dev/null 2>&1 | "
	"head -n 1)\"; "
	"\"$d/deployd\" --version </dev/null 2>/dev/null | tail -n +2; "
	"set -- $(sha256sum <\"$d/deployd\" 2>/dev/null); say sha256 \"$1\"; "
	"fi; "
	"printf \"end 0\\n\"";

const char setup_install[] = BEGIN OURS
	"umask 022; t=$d/.deployd.$$; "
	"clean() { rm -f \"$t\"; }; "
	"fail() { printf \"fail %s\\nend 4\\n\" \"$1\"; exit 0; }; "
	"trap clean 0; trap \"exit 1\" 1 2 13 15; "
	"read -r size sum; "
	"mkdir -p \"$d\" || fail \"cannot make $d\"; "
	"test -d \"$d/deployd\" && fail \"$d/deployd is a directory\"; "
	"cat >\"$t\" || fail \"cannot write to $d\"; "
	"set -- $(wc -c <\"$t\"); "
	"test \"$1\" = \"$size\" || fail \"only $1 of $size bytes arrived\"; "
	"set -- $(sha256sum <\"$t\" 2>/dev/null); "
	"test \"${1:-$sum}\" = \"$sum\" || fail \"what arrived is not what was "
	"sent\"; "
	"chmod 755 \"$t\"; "
	"v=$(\"$t\" --version </dev/null 2>&1) || "
	"fail \"it does not run there: $v\"; "
	"test \"${v#deployd }\" = \"$v\" && fail \"it is no deployd: $v\"; "
	"mv -f \"$t\" \"$d/deployd\" || fail \"cannot replace $d/deployd\"; "
	"printf \"installed %s\\n\" \"$v\"; "
	"\"$d/deployd\" setup </dev/null; printf \"end %s\\n\" $?";

const char setup_again[] = BEGIN OURS PATH_OF_DEPLOY
	"p=deployd; test -x \"$d/deployd\" && p=$d/deployd; "
	"\"$p\" setup </dev/null; printf \"end %s\\n\" $?";

const char setup_remove[] = BEGIN OURS PATH_OF_DEPLOY
	"s=0; if test -e \"$d/deployd\"; then "
	"\"$d/deployd\" setup --list </dev/null 2>/dev/null; "
	"rm -f \"$d/deployd\" && printf \"removed %s\\n\" \"$d/deployd\" || "
	"s=4; fi; "
	"p=$(command -v deployd) && printf \"path %s\\n\" \"$p\"; "
	"printf \"end %s\\n\" $s";
