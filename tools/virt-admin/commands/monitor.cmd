# SPDX-License-Identifier: LGPL-2.1-or-later

group monitor
  title Monitoring commands
  order 2

command server-list
  summary list the servers of the daemon
  alias srv-list
  handler cmd_server_list
  json server-list

command server-threadpool-info
  summary show a server's workers
  text Limits, how many there are and are free, and how many jobs wait for one.
  alias srv-threadpool-info
  handler cmd_server_threadpool_info
  json parameters
  use server

command client-list
  summary list the clients of a server
  alias srv-clients-list
  handler cmd_client_list
  json client-list
  use server

command client-info
  summary show who a client is
  text How and since when it is connected, and its identity as far as the transport tells it.
  handler cmd_client_info
  json client-info
  use server
  option client string positional required complete=client -- ID of the client, see client-list

command server-clients-info
  summary show a server's limits of clients
  text How many clients there are and may be; unauth are those that haven't authenticated yet.
  alias srv-clients-info
  handler cmd_server_clients_info
  json parameters
  use server
