# shellcheck shell=bash
# Completion of deploy for bash: source it, or put it as `deploy` into
# /usr/share/bash-completion/completions.

# The names of the remotes in the deploy.conf of this directory or above.
_deploy_remotes()
{
	local dir=$PWD
	while [[ ! -f $dir/deploy.conf && $dir == */* ]]; do
		dir=${dir%/*}
	done
	[[ -f $dir/deploy.conf ]] &&
		sed -n 's/^[ 	]*\[remote[ 	]*"\(.*\)"\].*/\1/p' \
			"$dir/deploy.conf"
}

_deploy()
{
	local verbs='push diff releases rollback activate status log init env
		setup prune pin unpin remove fetch verify fsck doctor restart logs run help
		version'
	local options='-C -t -n --dry-run -q --quiet -v --verbose --json
		--force --rebuild --no-cache --no-activate --wait --wait=
		--expect= --bwlimit= --tar= --binary= --remove --deployd= --transport=
		-F -i -p -J -o -4 -6
		--files --exit-code -f --follow --reveal --confirm= --no-keep -O --output=
		-h --help -V --version'
	local word=${COMP_WORDS[COMP_CWORD]} i verb=
	local before=${COMP_WORDS[COMP_CWORD - 1]} part=$word

	# bash splits at `=`: --tar = FILE.
	if [[ $before == '=' ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $word == '=' ]]; then
		part=
	elif [[ $before == --* ]]; then
		before=
	fi
	COMPREPLY=()
	case $before in
	-C)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$part")
		return
		;;
	-F | -i | -O | --tar | --binary | --output)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$part")
		return
		;;
	--transport)
		mapfile -t COMPREPLY < <(compgen -W 'auto libssh2 openssh' \
			-- "$part")
		return
		;;
	-t)
		mapfile -t COMPREPLY < <(compgen -W "$(_deploy_remotes)" \
			-- "$part")
		return
		;;
	-p | -J | -o | --expect | --bwlimit | --confirm | --deployd | --wait)
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] &&
			compopt -o nospace
		return
	fi
	local target=
	for ((i = 1; i < COMP_CWORD; i++)); do
		part=${COMP_WORDS[i]}
		if [[ -z $verb && " ${verbs//[[:space:]]/ } " == *" $part "* ]]; then
			verb=$part
		elif [[ $part == : ]] || _deploy_remotes | grep -qxF -- "$part"; then
			target=yes
		fi
	done
	if [[ $verb == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word")
		return
	fi
	if [[ $before == env ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'list set unset import' \
			-- "$word")
		return
	fi
	[[ -n $target ]] || mapfile -t COMPREPLY < <(compgen -W \
		"$([[ -n $verb ]] || echo "$verbs") $(_deploy_remotes)" \
		-- "$word")
	# Behind a target stands a directory; what is imported is a file.
	if [[ $verb == env && " ${COMP_WORDS[*]} " == *' import '* ]]; then
		compopt -o filenames
		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < \
			<(compgen -f -- "$word")
	fi
	if [[ -n $target && " push diff  " == *" $verb "* ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
	fi
}

complete -F _deploy deploy
