# shellcheck shell=sh
# For tests that need a machine: Debian's own packages, systemd as the first
# process, sshd, and a network that is nobody else's, in a container booted by
# systemd-nspawn.  As root, after lib/tap.sh:
#
#	. "$TOP/t/lib/container.sh"
#	container_need                 or the test is skipped, with the reason
#	container_make                 CONTAINER: the root, a copy; the first
#	                               time it comes from debootstrap
#	container_account USER         an account with a key, and an ssh_config
#	                               of which the host `vps' is this account
#	container_boot
#	container_run COMMAND...       as root of the container
#	container_net COMMAND...       a command of this machine, with its files
#	                               and users, in the container's network:
#	                               127.0.0.1 there is the container's
#	container_ssh COMMAND...       as the account, over ssh
#	container_deploy ARGUMENT...   $DEPLOY in that network, with that
#	                               ssh_config
#	container_reboot               returns when it is up again
#	container_stop                 also at the end of the test
#
# Booting and stopping set variables, so they are no commands for ok.
# CONTAINER_CACHE is where bare roots are kept between tests; it may be deleted.

CONTAINER_CACHE=${CONTAINER_CACHE:-/var/cache/deploy-tests}
container_pid=
# With polkitd an account may ask for linger itself.
container_packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd
container_packages=$container_packages,openssh-server,polkitd,sudo,python3,nodejs,curl

container_need() {
	[ "$(id -u)" -eq 0 ] || skip_all 'only root can boot a container'
	for container_name in debootstrap systemd-nspawn nsenter flock \
		setpriv; do
		command -v "$container_name" >/dev/null || skip_all \
			"no $container_name: contrib/install-deps container"
	done
	container_suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	container_mirror=$(container_mirrors | head -n 1)
	[ -n "$container_mirror" ] || skip_all \
		"apt is not told where the packages of '$container_suite' are"
}

# Where this machine's own packages come from.
container_mirrors() {
	for container_name in /etc/apt/sources.list \
		/etc/apt/sources.list.d/*.list; do
		[ ! -f "$container_name" ] || sed -n \
			"s,^deb  *\(\[[^]]*\] *\)*\([^ ]*\)  *$container_suite .*,\2,p" \
			"$container_name"
	done
	for container_name in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$container_name" ] || awk -v suite="$container_suite" '
			function flush() {
				if (uri != "" && ours)
					print uri
				uri = ""; ours = 0
			}
			/^$/ { flush() }
			/^URIs:/ { uri = $2 }
			/^Suites:/ {
				for (i = 2; i <= NF; i++)
					ours = ours || $i == suite
			}
			END { flush() }' "$container_name"
	done
}

container_make() {
	container_bare=$CONTAINER_CACHE/$container_suite-$(
		echo "$container_packages" | sha256sum | cut -c 1-16
	)
	mkdir -p "$CONTAINER_CACHE" || return 1
	[ -d "$container_bare" ] || flock "$CONTAINER_CACHE" \
		timeout 400 sh -c "$container_debootstrap" sh "$container_bare" \
		"$container_packages" "$container_suite" "$container_mirror" \
		>"$TMP/debootstrap.log" 2>&1 || skip_all \
		"debootstrap: $(tail -n 1 "$TMP/debootstrap.log")"
	CONTAINER=$TMP/container
	trap container_exit EXIT
	cp -a "$container_bare" "$CONTAINER"
}

container_exit() {
	container_status=$?
	container_stop
	(exit "$container_status")
	tap_exit
}

# Whoever waited for the lock finds that it has been made.
# shellcheck disable=SC2016
container_debootstrap='
	[ ! -d "$1" ] || exit 0
	rm -rf "$1.new" && debootstrap --variant=minbase --include="$2" \
		"$3" "$1.new" "$4" &&
		rm -f "$1.new"/var/cache/apt/archives/*.deb && mv "$1.new" "$1"'

container_account() {
	container_home=$CONTAINER/home/$1
	useradd -R "$CONTAINER" -m -s /bin/bash "$1" &&
		ssh-keygen -q -t ed25519 -N '' -f "$TMP/key" &&
		mkdir -m 700 "$container_home/.ssh" &&
		cp "$TMP/key.pub" "$container_home/.ssh/authorized_keys" &&
		chroot "$CONTAINER" chown -R "$1:" "/home/$1" || return 1
	printf 'vps %s\n' "$(cut -d ' ' -f 1,2 \
		"$CONTAINER/etc/ssh/ssh_host_ed25519_key.pub")" \
		>"$TMP/known_hosts"
	cat >"$TMP/ssh_config" <<EOF
Host vps
HostName 127.0.0.1
HostKeyAlias vps
User $1
IdentityFile $TMP/key
UserKnownHostsFile $TMP/known_hosts
GlobalKnownHostsFile none
EOF
}

container_boot() {
	container_log=$TMP/container.log
	(
		container_cgroup
		# Where systemd runs it is asked for a unit.
		[ -d /run/systemd/system ] || set -- --keep-unit
		# It does not outlive a test that was killed.
		exec setpriv --pdeathsig TERM systemd-nspawn --quiet \
			-D "$CONTAINER" -M "deploy-test-$$" --hostname=vps \
			--register=no --private-network -b "$@"
	) >>"$container_log" 2>&1 </dev/null &
	container_pid=$!
	reap "$container_pid"
	container_wait && return 0
	tap_show "$container_log"
	return 1
}

# Without systemd nobody has put us into a control group of our own, and two
# containers would share one.
container_cgroup() {
	[ ! -d /run/systemd/system ] || return 0
	for container_name in /sys/fs/cgroup /sys/fs/cgroup/unified \
		/sys/fs/cgroup/systemd; do
		[ -f "$container_name/cgroup.procs" ] || continue
		mkdir -p "$container_name/deploy-test-$$"
		echo 0 >"$container_name/deploy-test-$$/cgroup.procs"
	done
}

# The container's first process.  nspawn has children that have not entered
# it yet, and nothing may be done to those.
container_leader() {
	# shellcheck disable=SC2013 # file names without blanks
	for container_name in $(grep -l "^PPid:[[:blank:]]*$container_pid\$" \
		/proc/[0-9]*/status 2>/dev/null); do
		grep -q '^NSpid:.*[[:blank:]]1$' "$container_name" || continue
		container_name=${container_name%/status}
		echo "${container_name#/proc/}"
		return 0
	done
	return 1
}

container_enter() {
	container_name=$(container_leader) || {
		echo 'the container is not running' >&2
		return 1
	}
	nsenter -t "$container_name" "$@"
}

container_run() {
	container_enter -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 "$@"
}

container_net() {
	container_enter -n "$@"
}

container_ssh() {
	container_net ssh -F "$TMP/ssh_config" vps "$@"
}

container_deploy() {
	container_net "$DEPLOY" -F "$TMP/ssh_config" "$@"
}

container_up() {
	container_run systemctl is-active -q multi-user.target ssh.service
}

container_wait() {
	container_tries=0
	until container_up >/dev/null 2>&1; do
		container_tries=$((container_tries + 1))
		[ "$container_tries" -lt 300 ] || return 1
		kill -0 "$container_pid" 2>/dev/null || return 1
		sleep 0.2
	done
}

# nspawn starts it again by itself, or ends where it hopes that its own service
# manager does.
container_reboot() {
	container_before=$(container_leader) || return 1
	container_run systemctl reboot
	container_tries=0
	while [ -e "/proc/$container_before" ]; do
		container_tries=$((container_tries + 1))
		[ "$container_tries" -lt 300 ] || return 1
		sleep 0.2
	done
	sleep 0.5
	if kill -0 "$container_pid" 2>/dev/null; then
		container_wait
	else
		container_boot
	fi
}

container_stop() {
	[ -n "$container_pid" ] || return 0
	kill "$container_pid" 2>/dev/null
	container_tries=0
	while kill -0 "$container_pid" 2>/dev/null; do
		container_tries=$((container_tries + 1))
		[ "$container_tries" -lt 100 ] || kill -9 "$container_pid"
		sleep 0.1
	done
	container_pid=
	for container_name in /sys/fs/cgroup/deploy-test-"$$" \
		/sys/fs/cgroup/*/deploy-test-"$$"; do
		[ ! -d "$container_name" ] || find "$container_name" -depth \
			-type d -exec rmdir {} + 2>/dev/null
	done
}
