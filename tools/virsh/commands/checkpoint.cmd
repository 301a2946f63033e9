# SPDX-License-Identifier: LGPL-2.1-or-later

group checkpoint
  title Checkpoint
  order 5

command checkpoint-create
  summary create a checkpoint from XML
  todo not written yet
  use domain
  option xmlfile string positional complete=file -- file with the XML
  option redefine bool -- only restore the record of an earlier one
  option redefine-validate bool -- check the restored record against the disks
  option quiesce bool -- freeze the guest's file systems meanwhile

command checkpoint-create-as
  summary create a checkpoint from options
  todo not written yet
  use domain
  option name string also-positional -- name of the checkpoint
  option description string also-positional -- description to store
  use print-xml
  option quiesce bool -- freeze the guest's file systems meanwhile
  option diskspec argv also-positional -- disk[,attribute=value...]

command checkpoint-delete
  summary delete a checkpoint
  todo not written yet
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint
  option children bool -- it and all its descendants
  option children-only bool -- its descendants only
  option metadata bool -- remove only the record

command checkpoint-dumpxml
  summary print a checkpoint as XML
  todo not written yet
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint
  option security-info bool -- include secrets such as passwords
  option no-domain bool -- leave out the domain's definition
  option size bool -- also how much has changed since
  use xpath wrap

command checkpoint-edit
  summary change the XML of a checkpoint in an editor
  todo not written yet
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint

command checkpoint-info
  summary show basic facts about a checkpoint
  todo not written yet
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint

command checkpoint-list
  summary list the checkpoints of a domain
  todo not written yet
  use domain
  option parent bool -- show the parents
  option roots bool -- only those without a parent
  option leaves bool -- only those without children
  option no-leaves bool -- only those with children
  option tree bool -- show a tree
  option from string also-positional complete=checkpoint -- only children of this one
  option descendants bool -- all descendants, not only children
  option name bool -- print names only
  option topological bool -- parents before children

command checkpoint-parent
  summary print the name of a checkpoint's parent
  todo not written yet
  use domain
  option checkpointname string positional required complete=checkpoint -- name of the checkpoint
