# SPDX-License-Identifier: LGPL-2.1-or-later

group management
  title Management commands
  order 3

command server-threadpool-set
  summary change a server's limits of workers
  text What isn't given stays as it is.
  alias srv-threadpool-set
  handler cmd_server_threadpool_set
  use server
  option min-workers int also-positional -- workers there are at least
  option max-workers int also-positional -- workers there are at most
  option priority-workers int also-positional -- workers that only take jobs which never wait for a guest

command client-disconnect
  summary close a client's connection
  handler cmd_client_disconnect
  use server
  option client int positional required complete=client -- ID of the client, see client-list

command server-clients-set
  summary change a server's limits of clients
  text What isn't given stays as it is.
  alias srv-clients-set
  handler cmd_server_clients_set
  use server
  option max-clients int also-positional -- clients there are at most
  option max-unauth-clients int also-positional -- clients there are at most that haven't authenticated yet

command server-update-tls
  summary let a server read its TLS certificates and keys again
  alias srv-update-tls
  handler cmd_server_update_tls
  use server

command daemon-log-filters
  summary show or change what the daemon logs
  text A filter is LEVEL:TEXT and sets the level (1 debug to 4 errors) of all modules with TEXT in their name; several are separated by blanks. An empty string removes all.
  handler cmd_daemon_log_filters
  json log-filters
  option filters string positional allow-empty -- the new filters

command daemon-log-outputs
  summary show or change where the daemon logs to
  text An output is LEVEL:stderr, LEVEL:journald, LEVEL:syslog:NAME or LEVEL:file:PATH; several are separated by blanks. An empty string restores the default.
  handler cmd_daemon_log_outputs
  json log-outputs
  option outputs string positional allow-empty -- the new outputs

command daemon-timeout
  summary let the daemon end after some time without clients
  handler cmd_daemon_timeout
  option timeout int positional required -- seconds; 0 for never

command daemon-shutdown
  summary end the daemon
  handler cmd_daemon_shutdown
  option preserve bool -- keep the guests for the daemon's next start
