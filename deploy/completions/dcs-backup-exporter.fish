# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_dcs_backup_exporter_global_optspecs
    string join \n config.file= web.telemetry-path= web.config.file= log.level= log.format= web.listen-address= web.systemd-socket web.enable-lifecycle shard.ordinal= shard.total= no-web.systemd-socket no-web.enable-lifecycle h/help V/version
end

function __fish_dcs_backup_exporter_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_dcs_backup_exporter_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_dcs_backup_exporter_using_subcommand
    set -l cmd (__fish_dcs_backup_exporter_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l config.file -d 'Configuration file; without one the environment alone must do' -r -F
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l web.telemetry-path -d 'Path of the metrics' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l web.config.file -d 'File with TLS, users, headers and a limit on requests, as exporter-toolkit defines it' -r -F
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l log.level -d 'Least severe level that is logged: error, warn, info, debug or trace' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l log.format -d 'Format of log lines: logfmt or json' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l web.listen-address -d 'Address to listen on; may be repeated' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l shard.ordinal -d 'This process\'s number among those that share the instances, from 0; `auto`: the number at the end of the host name' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l shard.total -d 'How many processes share the instances' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l web.systemd-socket -d 'Listen on the sockets that systemd hands over, instead of addresses'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l web.enable-lifecycle -d 'Reload the configuration at POST /-/reload too, as at SIGHUP'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l no-web.systemd-socket -d 'Takes back --web.systemd-socket'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -l no-web.enable-lifecycle -d 'Takes back --web.enable-lifecycle'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -s h -l help -d 'Print help'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -s V -l version -d 'Print version'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -f -a "serve" -d 'Run the daemon (the default)'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -f -a "demo" -d 'Show what it is like: a simulated cloud and the daemon polling it, without account or file'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -f -a "simulate" -d 'Run the simulated DCS cloud alone'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -f -a "check" -d 'Poll once, print how fresh every backup is, and exit as Nagios plug-ins do'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_needs_command" -f -a "check-config" -d 'Read the configuration and report every problem at once'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l config.file -d 'Configuration file; without one the environment alone must do' -r -F
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l web.telemetry-path -d 'Path of the metrics' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l web.config.file -d 'File with TLS, users, headers and a limit on requests, as exporter-toolkit defines it' -r -F
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l log.level -d 'Least severe level that is logged: error, warn, info, debug or trace' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l log.format -d 'Format of log lines: logfmt or json' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l web.listen-address -d 'Address to listen on; may be repeated' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l shard.ordinal -d 'This process\'s number among those that share the instances, from 0; `auto`: the number at the end of the host name' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l shard.total -d 'How many processes share the instances' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l web.systemd-socket -d 'Listen on the sockets that systemd hands over, instead of addresses'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l web.enable-lifecycle -d 'Reload the configuration at POST /-/reload too, as at SIGHUP'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l no-web.systemd-socket -d 'Takes back --web.systemd-socket'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -l no-web.enable-lifecycle -d 'Takes back --web.enable-lifecycle'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -s h -l help -d 'Print help'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand serve" -s V -l version -d 'Print version'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l web.telemetry-path -d 'Path of the metrics' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l web.config.file -d 'File with TLS, users, headers and a limit on requests, as exporter-toolkit defines it' -r -F
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l log.level -d 'Least severe level that is logged: error, warn, info, debug or trace' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l log.format -d 'Format of log lines: logfmt or json' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l web.listen-address -d 'Address to listen on; where its port is taken, the next free one' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l instances -d 'How many instances there are' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l seed -d 'The same seed gives the same fleet' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l speed -d 'How many times shorter backups and restores are, and the time between those that no plan asks for' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -l fault -d 'Something that goes wrong; may be repeated. Kinds: throttle, flaky, slow, garbage, truncate, reset, html, 401, 403, 404' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -s h -l help -d 'Print help'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand demo" -s V -l version -d 'Print version'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -l listen -d 'Address to listen on' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -l instances -d 'How many instances there are' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -l seed -d 'The same seed gives the same fleet' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -l speed -d 'How many times shorter backups and restores are, and the time between those that no plan asks for' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -l fault -d 'Something that goes wrong; may be repeated. Kinds: throttle, flaky, slow, garbage, truncate, reset, html, 401, 403, 404' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -l log.level -d 'Least severe level that is logged: error, warn, info, debug or trace' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -l log.format -d 'Format of log lines: logfmt or json' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -s h -l help -d 'Print help'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand simulate" -s V -l version -d 'Print version'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check" -l config.file -d 'Configuration file; without one the environment alone must do' -r -F
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check" -l output -d 'How the result is printed' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check" -l log.level -d 'Least severe level that is logged: error, warn, info, debug or trace' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check" -l log.format -d 'Format of log lines: logfmt or json' -r
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check" -s V -l version -d 'Print version'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check-config" -l config.file -d 'Configuration file; without one the environment alone must do' -r -F
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check-config" -l web.config.file -d 'File with TLS, users, headers and a limit on requests, as exporter-toolkit defines it' -r -F
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check-config" -s h -l help -d 'Print help'
complete -c dcs-backup-exporter -n "__fish_dcs_backup_exporter_using_subcommand check-config" -s V -l version -d 'Print version'
