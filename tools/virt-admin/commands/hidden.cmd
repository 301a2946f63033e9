# SPDX-License-Identifier: LGPL-2.1-or-later
# Commands that help does not list.

group hidden
  title Hidden
  order 99
  hidden yes

command self-test
  summary check the command table
  handler cmd_self_test
  connection no
  option completers-missing bool -- list options without completion
  option dump-help bool -- print help of all commands

command complete
  summary print completions for the words given
  handler cmd_complete
  connection no
  option string argv positional allow-empty -- words of the line so far
