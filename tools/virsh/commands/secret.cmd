# SPDX-License-Identifier: LGPL-2.1-or-later

group secret
  title Secret
  order 10

command secret-define
  summary define or change a secret from an XML file
  todo not written yet
  use xml-file validate

command secret-dumpxml
  summary print a secret's attributes as XML
  todo not written yet
  option secret string positional required complete=secret -- UUID of the secret
  use xpath wrap

command secret-event
  summary list kinds of events, or wait for secret events
  handler cmd_secret_event
  json event
  option secret string also-positional complete=secret -- only events of this secret
  option event string also-positional complete=event-secret -- kind of event to wait for
  option loop bool -- go on after the first event
  option timeout int also-positional -- seconds after which to give up
  option list bool -- list the kinds of events
  option timestamp bool -- show the time of each event

command secret-get-value
  summary print the value of a secret
  todo not written yet
  option secret string positional required complete=secret -- UUID of the secret
  option plain bool -- the value isn't in base64

command secret-list
  summary list secrets
  todo not written yet
  option ephemeral bool -- only those kept in memory
  option no-ephemeral bool -- only those kept on disk
  option private bool -- only those whose value can't be read
  option no-private bool -- only those whose value can be read

command secret-set-value
  summary set the value of a secret
  todo not written yet
  option secret string positional required complete=secret -- UUID of the secret
  option file string complete=file -- file with the value
  option plain bool -- the value isn't in base64
  option interactive bool -- ask for the value on the terminal
  option base64 string also-positional -- the value in base64

command secret-undefine
  summary delete a secret
  todo not written yet
  option secret string positional required complete=secret -- UUID of the secret
