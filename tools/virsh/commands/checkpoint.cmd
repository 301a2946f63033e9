# SPDX-License-Identifier: LGPL-2.1-or-later

group checkpoint
  title Checkpoint
  order 5

command checkpoint-create
  summary create a checkpoint from XML
  handler cmd_checkpoint_create
  use domain
  option xmlfile string positional complete=file -- file with the XML
  option redefine bool flag=VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE -- only restore the record of an earlier one
  option redefine-validate bool flag=VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE -- check the restored record against the disks
  option quiesce bool flag=VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE -- freeze the guest's file systems meanwhile

command checkpoint-create-as
  summary create a checkpoint from options
  handler cmd_checkpoint_create_as
  use domain
  option name string also-positional -- name of the checkpoint
  option description string also-positional -- description to store
  use print-xml
  option quiesce bool flag=VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE -- freeze the guest's file systems meanwhile
  option diskspec argv also-positional -- disk[,attribute=value...]

command checkpoint-delete
  summary delete a checkpoint
  handler cmd_checkpoint_delete
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint
  option children bool flag=VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN -- it and all its descendants
  option children-only bool flag=VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY -- its descendants only
  option metadata bool flag=VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY -- remove only the record

command checkpoint-dumpxml
  summary print a checkpoint as XML
  dump checkpoint virDomainCheckpointGetXMLDesc
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint
  option security-info bool flag=VIR_DOMAIN_CHECKPOINT_XML_SECURE -- include secrets such as passwords
  option no-domain bool flag=VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN -- leave out the domain's definition
  option size bool flag=VIR_DOMAIN_CHECKPOINT_XML_SIZE -- also how much has changed since
  use xpath wrap

command checkpoint-edit
  summary change the XML of a checkpoint in an editor
  handler cmd_checkpoint_edit
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint

command checkpoint-info
  summary show basic facts about a checkpoint
  handler cmd_checkpoint_info
  json checkpoint-info
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint

command checkpoint-list
  summary list the checkpoints of a domain
  handler cmd_checkpoint_list
  json checkpoint-list
  use domain
  option parent bool -- show the parents
  option roots bool flag=VIR_DOMAIN_CHECKPOINT_LIST_ROOTS -- only those without a parent
  option leaves bool flag=VIR_DOMAIN_CHECKPOINT_LIST_LEAVES -- only those without children
  option no-leaves bool flag=VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES -- only those with children
  option tree bool -- show a tree
  option from string also-positional complete=checkpoint -- only children of this one
  option descendants bool -- all descendants, not only children
  option name bool -- print names only
  option topological bool flag=VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL -- parents before children
  exclusive tree name
  exclusive parent roots
  exclusive parent tree
  exclusive roots tree
  exclusive roots from

command checkpoint-parent
  summary print the name of a checkpoint's parent
  handler cmd_checkpoint_parent
  json name
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint
