# SPDX-License-Identifier: LGPL-2.1-or-later
# Options that many commands have. `use NAME...` in a command puts them in.

shared domain
  option domain string positional required complete=domain -- name, ID or UUID of the domain

shared config
  option config bool flag=VIR_DOMAIN_AFFECT_CONFIG -- change the persistent definition (takes effect at the next start)

shared live
  option live bool flag=VIR_DOMAIN_AFFECT_LIVE -- change the running domain

shared current
  option current bool -- change whatever is in force now

shared network
  option network string positional required complete=network -- name or UUID of the network

shared pool
  option pool string positional required complete=pool -- name or UUID of the pool

shared xpath
  option xpath string -- only nodes that match this XPath expression

shared wrap
  option wrap bool -- put the matching nodes into one root element

shared validate
  option validate bool -- check the XML against the schema first

shared xml-file
  option file string positional required complete=file -- file with the XML
  option strict bool extra -- refuse a file with something in it that is unknown and would be dropped

shared print-xml
  option print-xml bool -- print the XML instead of acting

shared compare
  option check bool extra -- change nothing, and tell by the exit status whether the file would: 0 if it wouldn't
  option diff bool extra -- change nothing, and show what the file would change
