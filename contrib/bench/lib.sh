# shellcheck shell=sh
# What the benches share.  Each sets its options and then
#
#	bench_begin TOOL...       checks that these are here, makes $tmp and the
#	                          account; all of it goes at the end
#	bench_facts TEXT          the first lines: what was measured where
#	bench_link NAME OPTION... an ssh_config for a link by t/lib/slowlink
#	bench_port NAME           one for a port of this machine; no bytes counted
#	bench_tree DIR            $pristine: made, of $files files and $megabytes,
#	                          or a copy of DIR
#	bench_runs LINK CASE RUNS results of every tool of $tools
#	bench_report NAME         their medians, and the ratios
#
# The server's side is an account of its own with /bin/sh, made for the run
# where this is root (and removed again), else the account that runs it.  What
# deployd does after its answer is waited for before the next run, and not
# counted; so is what others left to be written.  The tools take turns in
# an order that changes with every run.
#
# A tool is a function run_TOOL LINK that deploys $tree.

# shellcheck disable=SC2034,SC2154 # who reads this sets and reads them
top=$(cd "$(dirname "$0")/../.." && pwd -P)
build=${BUILD:-$top/build}
tools="deploy relaxed rsync link_dest tar"
rsync_flags=-az
ratios=best
account=
listener=
tree_of=

bench_die() {
	echo "bench: $*" >&2
	exit 1
}

bench_cleanup() {
	cd /
	# Nobody waits for what is still done.
	for pid in $(bench_busy); do
		kill "$pid" 2>/dev/null || true
	done
	[ -z "$listener" ] || kill "$listener" 2>/dev/null || true
	[ -z "$account" ] || bench_wait
	[ -z "$account" ] || userdel "$account" 2>/dev/null || true
	rm -rf "$tmp"
}

# What deployd does behind its answer, and relays that count what passed.
bench_busy() {
	pgrep -f "^$tmp/server/deployd|slowlink .*-c $tmp/bytes" || true
}

bench_wait() {
	waited=0
	while [ -n "$(bench_busy)" ] && [ "$waited" -lt 12000 ]; do
		waited=$((waited + 1))
		sleep 0.05
	done
}

bench_begin() {
	for tool in rsync ssh ssh-keygen perl pgrep "$@"; do
		command -v "$tool" >/dev/null ||
			bench_die "$tool is missing; contrib/install-deps test bench"
	done
	for program in deploy deployd t/lib/slowlink; do
		[ -x "$build/$program" ] || bench_die "run make programs tests first"
	done
	sshd=$(command -v sshd || echo /usr/sbin/sshd)
	[ -x "$sshd" ] || bench_die "sshd is missing; contrib/install-deps test"
	tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/deploy-bench.XXXXXX")
	trap bench_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	chmod 755 "$tmp"
	server=$tmp/server
	tree=$tmp/tree
	pristine=$tmp/pristine
	mkdir "$server" "$tmp/aside" "$tmp/home"
	bench_account
	unset XDG_CACHE_HOME SSH_AUTH_SOCK 2>/dev/null || true
	install -m 755 "$build/deployd" "$server/deployd"
}

# The server: sshd -i behind a ProxyCommand that measures, and maybe slows.
bench_account() {
	user=$(id -un)
	if [ "$(id -u)" -eq 0 ]; then
		account=deploy-bench-$$
		useradd -d "$server" -s /bin/sh -p '*' "$account"
		chown "$account" "$server"
		user=$account
		mkdir -p /run/sshd
	fi
	ssh-keygen -q -t ed25519 -N '' -f "$tmp/host"
	ssh-keygen -q -t ed25519 -N '' -f "$tmp/key"
	install -m 644 "$tmp/key.pub" "$tmp/authorized"
	cat >"$tmp/sshd_config" <<-END
		HostKey $tmp/host
		AuthorizedKeysFile $tmp/authorized
		StrictModes no
		UsePAM no
		PidFile none
		LogLevel ERROR
	END
	echo "bench $(cut -d' ' -f1,2 "$tmp/host.pub")" >"$tmp/known"
}

# bench_config NAME LINE...: the ssh_config of a link.
bench_config() {
	link_name=$1
	shift
	{
		cat <<-END
			Host bench
			User $user
			HostKeyAlias bench
			IdentityFile $tmp/key
			IdentitiesOnly yes
			UserKnownHostsFile $tmp/known
			GlobalKnownHostsFile /dev/null
			StrictHostKeyChecking yes
			ControlPath none
		END
		printf '%s\n' "$@"
	} >"$tmp/ssh_config.$link_name"
}

bench_link() {
	link_name=$1
	shift
	bench_config "$link_name" "ProxyCommand $build/t/lib/slowlink $* -c $tmp/bytes $sshd -i -f $tmp/sshd_config"
}

# Of some ports one is free.
bench_port() {
	tries=0
	until [ -n "$listener" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 30 ] || bench_die "sshd: $(cat "$tmp/sshd.log")"
		port=$((20000 + ($$ * 31 + tries * 977) % 30000))
		"$sshd" -D -e -f "$tmp/sshd_config" -o ListenAddress=127.0.0.1 \
			-o LogLevel=INFO \
			-p "$port" >"$tmp/sshd.log" 2>&1 </dev/null &
		listener=$!
		while ! grep -q 'Server listening' "$tmp/sshd.log"; do
			kill -0 "$listener" 2>/dev/null || {
				listener=
				break
			}
			sleep 0.05
		done
	done
	bench_config "$1" 'HostName 127.0.0.1' "Port $port"
}

bench_facts() {
	echo "# $*"
	echo "# $("$build/deploy" version | head -n 1)," \
		"$(rsync --version | head -n 1 | sed 's/  */ /g; s/ protocol.*//')," \
		"$(ssh -V 2>&1 | cut -d, -f1)"
	echo "# $(nproc) cores: $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo |
		head -n 1), $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)," \
		"Linux $(uname -r), $(df -T "$tmp" | awk 'NR == 2 { print $2 }')"
}

# Text of growing and random parts, 120 files a directory.
bench_make() {
	perl - "$@" <<'END'
use strict;
my ($dir, $files, $bytes) = @ARGV;
srand 7;
my $per = int($bytes / $files);
my @words = map { join '', map { chr(97 + int rand 26) } 1 .. 2 + int rand 8 } 1 .. 3000;
my ($d, $up);
mkdir $dir or die;
for my $i (0 .. $files - 1) {
	if ($i % 2400 == 0) {
		$up = sprintf "%s/d%02d", $dir, $i / 2400;
		mkdir $up or die;
	}
	if ($i % 120 == 0) {
		$d = sprintf "%s/s%03d", $up, $i / 120;
		mkdir $d or die;
	}
	open my $f, ">", "$d/f$i.txt" or die;
	my ($n, $want) = (0, int($per * (0.2 + 1.6 * rand)));
	print $f "$i\n";
	while ($n < $want) {
		my $line = join(" ", map { $words[rand @words] } 1 .. 8) . sprintf(" %x\n", int rand 1 << 30);
		print $f $line;
		$n += length $line;
	}
}
END
}

# Without what a deploy would leave out, which the others would not.
bench_copy() {
	[ -d "$1" ] || bench_die "$1 is no directory"
	cp -a "$1" "$pristine"
	find "$pristine" \( -name .git -o -name .hg -o -name .svn -o \
		-name .gitignore -o -name .deployignore \) -prune \
		-exec rm -rf {} +
	rm -f "$pristine/deploy.conf"
}

bench_tree() {
	if [ -n "$1" ]; then
		bench_copy "$1"
	else
		bench_make "$pristine" "$files" "$((megabytes * 1000000))"
	fi
	tree_of="$(find "$pristine" -type f | wc -l) files, $(find "$pristine" \
		-type f -printf '%s\n' | awk '{ n += $1 } END { printf "%.1f", n / 1e6 }') MB"
}

run_deploy() {
	HOME=$tmp/home "$build/deploy" -q -F "$tmp/ssh_config.$1" \
		--deployd="$server/deployd" bench:app "$tree"
}
run_relaxed() {
	HOME=$tmp/home.relaxed "$build/deploy" -q -F "$tmp/ssh_config.$1" \
		--deployd="$server/deployd" bench:relaxed "$tree"
}
run_rsync() {
	rsync $rsync_flags --delete -e "ssh -F $tmp/ssh_config.$1" "$tree/" \
		"bench:$server/rsync/"
}
n=0
run_link_dest() {
	n=$((n + 1))
	rsync $rsync_flags --delete --link-dest="$server/ld/current/" \
		-e "ssh -F $tmp/ssh_config.$1" "$tree/" "bench:$server/ld/$n/"
	ssh -F "$tmp/ssh_config.$1" bench \
		"ln -sfn $n $server/ld/new && mv -T $server/ld/new $server/ld/current"
}
run_tar() {
	n=$((n + 1))
	tar -C "$tree" -cf - . | zstd -q -T0 -3 |
		ssh -F "$tmp/ssh_config.$1" bench \
			"mkdir -p $server/tar/$n && zstd -qdc | tar -C $server/tar/$n -xf - &&
			ln -sfn $n $server/tar/new && mv -T $server/tar/new $server/tar/current"
}

# deployd reads it anew in each session; it is no part of what is timed.
bench_durability() {
	case $1 in
	relaxed) printf '[deployd]\ndurability = relaxed\n' ;;
	esac >"$server/.config/deployd.conf"
}

# Out of the way, to be removed at the very end: ext4 avoids inodes that were
# freed lately, and makes whoever creates files then slow at random.
bench_aside() {
	aside=$(mktemp -d "$tmp/aside/XXXXXX")
	for left; do
		[ ! -e "$left" ] || mv "$left" "$aside"
	done
}

# A server where nothing was deployed yet, from a client that never did.
bench_empty() {
	bench_wait
	bench_aside "$server/apps" "$server/rsync" "$server/ld" "$server/tar" \
		"$server/.config" "$tmp/home" "$tmp/home.relaxed"
	mkdir -p "$server/ld" "$server/tar" "$server/.config" "$tmp/home" \
		"$tmp/home.relaxed"
	chmod 755 "$server/.config"
	[ -z "$account" ] || chown "$account" "$server/ld" "$server/tar"
}

# Every tool once, not timed.
bench_warm() {
	bench_empty
	for t in $tools; do
		bench_durability "$t"
		"run_$t" direct >"$tmp/log" 2>&1 || bench_failed "$t" direct
	done
}

bench_fresh_tree() {
	bench_aside "$tree"
	cp -a "$pristine" "$tree"
}

# What happens to the tree before a run.
bench_edit() {
	case $1 in
	ten)
		bench_ten "$2" | while read -r f; do
			echo "edited $2" >>"$f"
		done
		;;
	rename)
		largest=$(bench_largest)
		mv "$tree/$largest" "$tree/${largest%.renamed*}.renamed$2"
		;;
	touch) find "$tree" -exec touch {} + ;;
	insert)
		{
			head -c 60000000 "$tree/big"
			echo "insert-$2."
			tail -c +60000001 "$tree/big"
		} >"$tree/big.new"
		mv "$tree/big.new" "$tree/big"
		;;
	esac
}

# Ten files from all over the tree, others in each run.
bench_ten() {
	find "$tree" -type f | sort >"$tmp/list"
	awk -v all="$(wc -l <"$tmp/list")" -v r="$1" '
		BEGIN { step = int(all / 10); if (step < 1) step = 1 }
		(NR - 1) % step == r % step && n++ < 10' "$tmp/list"
}

bench_largest() {
	(cd "$tree" && for d in */; do
		[ ! -d "$d" ] || echo "$(find "$d" | wc -l) ${d%/}"
	done) | sort -k1,1nr -k2,2 | sed -n '1s/^[0-9]* //p'
}

bench_failed() {
	echo "bench: $1 failed over $2:" >&2
	cat "$tmp/log" >&2
	exit 1
}

# Appends "milliseconds bytes" to the tool's results.
bench_timed() {
	bench_wait
	bench_durability "$1"
	rm -f "$tmp/bytes"
	sync -f "$tmp"
	start=$(date +%s%N)
	"run_$1" "$2" >"$tmp/log" 2>&1 || bench_failed "$1" "$2"
	end=$(date +%s%N)
	bench_wait
	touch "$tmp/bytes"
	bytes=$(awk '{ s += $1 + $2 } END { print s + 0 }' "$tmp/bytes")
	echo "$(((end - start) / 1000000)) $bytes" >>"$tmp/results.$1"
}

# The tools, rotated by so many.
bench_turn() {
	for t in $tools; do echo "$t"; done | awk -v r="$1" '
		{ tool[NR - 1] = $1 }
		END { for (i = 0; i < NR; i++) print tool[(i + r) % NR] }'
}

bench_runs() {
	rm -f "$tmp"/results.*
	r=0
	while [ "$r" -lt "$3" ]; do
		[ "$2" != first ] || bench_empty
		bench_edit "$2" "$r"
		for t in $(bench_turn "$r"); do
			bench_timed "$t" "$1"
		done
		r=$((r + 1))
	done
}

bench_median() {
	sort -n "$1" | awk '{ t[NR] = $1; b[NR] = $2 }
		END { m = int((NR + 1) / 2); print t[m], b[m] }'
}

# The ratio of deploy, and of deploy with relaxed durability, to the best of
# the others (ratios=best) or to those named.
bench_report_head() {
	printf '%-14s' case
	for t in $tools; do
		printf ' %-22s' "$t"
	done
	for t in $ratios; do
		printf ' %s' "deploy/$t" "relaxed/$t"
	done
	echo
}

bench_report() {
	for t in $tools; do
		echo "$t $(bench_median "$tmp/results.$t")"
	done | awk -v name="$1" -v ratios="$ratios" '
		{
			tool[NR] = $1; s[$1] = $2 / 1000; b[$1] = $3
			if ($1 == "deploy" || $1 == "relaxed") next
			if (!("best" in s) || s[$1] < s["best"]) s["best"] = s[$1]
		}
		END {
			printf "%-14s", name
			for (i = 1; i <= NR; i++)
				printf " %8.2f s %10d B", s[tool[i]], b[tool[i]]
			n = split(ratios, to)
			for (i = 1; i <= n; i++) {
				w = length(to[i])
				if (s[to[i]] == 0) s[to[i]] = 0.001
				printf " %*.2f %*.2f", w + 7, s["deploy"] / s[to[i]], \
					w + 8, s["relaxed"] / s[to[i]]
			}
			print ""
		}'
}
