# SPDX-License-Identifier: LGPL-2.1-or-later

group secret
  title Secret
  order 10

command secret-define
  summary define or change a secret from an XML file
  make secret virSecretDefineXML flags
  done Secret %s created
  fail Failed to set attributes from %s
  use xml-file validate
  flag validate VIR_SECRET_DEFINE_VALIDATE
  use compare
  exclusive check diff

command secret-dumpxml
  summary print a secret's attributes as XML
  dump secret virSecretGetXMLDesc
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
  handler cmd_secret_get_value
  json secret-value
  option secret string positional required complete=secret -- UUID of the secret
  option plain bool -- the value isn't in base64

command secret-list
  summary list secrets
  handler cmd_secret_list
  json secret-list
  option ephemeral bool flag=VIR_CONNECT_LIST_SECRETS_EPHEMERAL -- only those kept in memory
  option no-ephemeral bool flag=VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL -- only those kept on disk
  option private bool flag=VIR_CONNECT_LIST_SECRETS_PRIVATE -- only those whose value can't be read
  option no-private bool flag=VIR_CONNECT_LIST_SECRETS_NO_PRIVATE -- only those whose value can be read

command secret-set-value
  summary set the value of a secret
  handler cmd_secret_set_value
  option secret string positional required complete=secret -- UUID of the secret
  option file string complete=file -- file with the value
  option plain bool -- the value isn't in base64
  option interactive bool -- ask for the value on the terminal
  option base64 string also-positional -- the value in base64
  exclusive file base64
  exclusive file interactive
  exclusive base64 interactive
  exclusive plain base64

command secret-undefine
  summary delete a secret
  act secret virSecretUndefine
  done Secret %s deleted
  fail Failed to delete secret %s
  option secret string positional required complete=secret -- UUID of the secret
