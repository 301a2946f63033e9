# SPDX-License-Identifier: LGPL-2.1-or-later

group virt-admin
  title Virt-admin itself
  order 1

command cd
  summary change the working directory
  handler cmd_cd
  connection no
  option dir string positional complete=dir -- directory; default is the home directory

command echo
  summary print the words given
  text With options that quote them for a shell or for XML.
  handler cmd_echo
  connection no
  option shell bool -- quote for a shell
  option xml bool -- quote for XML
  option split bool -- split the words at commas; ',,' stands for a comma
  option err bool -- print to standard error
  option prefix string -- text to put in front
  option string argv positional -- words to print
  option-alias str string
  option-alias hi string hello

command exit
  summary leave the shell
  handler cmd_quit
  connection no

command help
  summary explain commands
  text Without a word all commands are listed; with the keyword of a group those of the group; with a command its options.
  handler cmd_help
  connection no
  option command string positional complete=command -- command or keyword of a group

command pwd
  summary print the working directory
  handler cmd_pwd
  connection no

command quit
  summary leave the shell
  handler cmd_quit
  connection no

command uri
  summary print the URI of the daemon
  handler cmd_uri
  json uri

command version
  summary print versions of library and daemon
  handler cmd_version
  json version

command connect
  summary connect to a daemon
  text Without a URI the one given at start, or the default, is used.
  handler cmd_connect
  connection no
  option name string positional allow-empty values=libvirtd:///system,libvirtd:///session -- URI of the daemon
