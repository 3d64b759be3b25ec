# Completion of deploy for fish: put it into ~/.config/fish/completions.

# The remotes in the deploy.conf of this directory or above.
function __deploy_remotes
	set -l dir $PWD
	while test -n "$dir"; and not test -f $dir/deploy.conf
		set dir (string replace -r '/[^/]*$' '' -- $dir)
	end
	test -f $dir/deploy.conf
	and string match -rg '^\s*\[remote\s*"(.*)"\]' <$dir/deploy.conf
end

set -l verbs push diff releases rollback activate status log init env setup prune pin unpin remove fetch verify fsck doctor restart logs run help version
set -l none "not __fish_seen_subcommand_from $verbs"

complete -c deploy -f
complete -c deploy -n "$none" -a push -d 'Deploy'
complete -c deploy -n "$none" -a diff -d 'What a deploy would change'
complete -c deploy -n "$none" -a releases -d 'List the releases'
complete -c deploy -n "$none" -a rollback -d 'Go back to the release before'
complete -c deploy -n "$none" -a activate -d 'Make a release live'
complete -c deploy -n "$none" -a status -d 'What is live'
complete -c deploy -n "$none" -a log -d 'What the hooks said'
complete -c deploy -n "$none" -a init -d 'Write deploy.conf'
complete -c deploy -n "$none" -a env -d 'List or change the variables'
complete -c deploy -n "__fish_seen_subcommand_from env" -a 'list set unset import' -d Variables
complete -c deploy -n "__fish_seen_subcommand_from env; and __fish_seen_subcommand_from import" -F
complete -c deploy -n "$none" -a setup -d 'Install deployd on a server'
complete -c deploy -n "$none" -a prune -d 'Drop old releases'
complete -c deploy -n "$none" -a pin -d 'Spare a release'
complete -c deploy -n "$none" -a unpin -d 'No longer spare it'
complete -c deploy -n "$none" -a remove -d 'Remove the app'
complete -c deploy -n "$none" -a fetch -d 'Bring a release back as a tar'
complete -c deploy -n "$none" -a doctor -d 'Which defences the server has'
complete -c deploy -n "$none" -a verify -d 'What is not as deployed'
complete -c deploy -n "$none" -a fsck -d 'Check and repair what is kept'
complete -c deploy -n "$none" -a restart -d 'Restart what is live'
complete -c deploy -n "$none" -a logs -d 'What the service says'
complete -c deploy -n "$none" -a run -d 'Run a command in the live release'
complete -c deploy -n "$none" -a help -d 'All options'
complete -c deploy -n "$none" -a version -d 'The version'
complete -c deploy -a '(__deploy_remotes)' -d 'Remote'

complete -c deploy -s C -x -a '(__fish_complete_directories)' -d 'Work in this directory'
complete -c deploy -s t -x -a '(__deploy_remotes)' -d 'Deploy to this target too'
complete -c deploy -s n -l dry-run -d 'Only tell what would be done'
complete -c deploy -s q -l quiet -d 'Print failures only'
complete -c deploy -s v -l verbose -d 'Tell more'
complete -c deploy -l json -d 'Print events'
complete -c deploy -l force -d 'Override a refusal'
complete -c deploy -l rebuild -d 'Build even if nothing changed'
complete -c deploy -l no-cache -d 'Send everything'
complete -c deploy -l no-activate -d 'Stop after the build'
complete -c deploy -l wait -d 'Wait for another deploy'
complete -c deploy -l expect -x -d 'Refuse unless this release is live'
complete -c deploy -l bwlimit -x -d 'Send at most so many KiB a second'
complete -c deploy -l tar -r -F -d 'Deploy an archive'
complete -c deploy -l binary -r -F -d 'setup: the deployd to send'
complete -c deploy -l remove -d 'setup: take deployd away'
complete -c deploy -l deployd -x -d 'The program on the server'
complete -c deploy -l transport -x -a 'auto libssh2 openssh' -d 'How to connect'
complete -c deploy -s F -r -F -d 'ssh configuration'
complete -c deploy -s i -r -F -d 'Private key'
complete -c deploy -s p -x -d Port
complete -c deploy -s J -x -a '(__fish_print_hostnames)' -d 'Jump over this host'
complete -c deploy -s o -x -d 'ssh option'
complete -c deploy -s 4 -d 'IPv4 only'
complete -c deploy -s 6 -d 'IPv6 only'
complete -c deploy -l files -d 'diff: name the rule for each path'
complete -c deploy -s f -l follow -d 'logs: go on as lines come'
complete -c deploy -l exit-code -d 'diff: 1 if something differs'
complete -c deploy -l confirm -x -d 'remove: the name of the app'
complete -c deploy -l no-keep -d 'remove: leave no archive'
complete -c deploy -s O -l output -r -F -d 'fetch: the archive'
complete -c deploy -l reveal -d 'env list: the values too'
complete -c deploy -s h -l help -d 'All options'
complete -c deploy -s V -l version -d 'The version'
