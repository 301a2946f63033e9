# SPDX-License-Identifier: LGPL-2.1-or-later
# Options that many commands have, and sources of values for completion (complete_NAME in ../completers.c).

shared server
  option server string positional required complete=server -- name of the server, see server-list

completer server
  doc names of the daemon's servers

completer client
  doc IDs of the clients of the server given

completer dir
  doc directories

completer command
  doc commands and keywords of groups
