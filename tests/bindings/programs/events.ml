(* SPDX-License-Identifier: LGPL-2.1-or-later
   ocaml-libvirt's events: callbacks of every type that the binding has, and timers, with the default loop; the binding has no other. *)
open Shared

let wait_seconds = 10.
let seen = ref []
let note kind text d value = seen := Printf.sprintf "%s %s %s" kind (D.get_name d) (text value) :: !seen

let callbacks =
  [ "lifecycle", E.Lifecycle (note "lifecycle" E.Lifecycle.to_string);
    "reboot", E.Reboot (note "reboot" E.Reboot.to_string);
    "rtc", E.RtcChange (note "rtc" E.Rtc_change.to_string);
    "watchdog", E.Watchdog (note "watchdog" E.Watchdog.to_string);
    "io error", E.IOError (note "io error" E.Io_error.to_string);
    "graphics", E.Graphics (note "graphics" (fun g ->
        String.concat " " [ E.Graphics.to_string g; E.Graphics_address.to_string g.E.Graphics.local; E.Graphics_subject.to_string g.E.Graphics.subject ]));
    "io error reason", E.IOErrorReason (note "io error reason" E.Io_error.to_string);
    "control error", E.ControlError (note "control error" E.Control_error.to_string);
    "block job", E.BlockJob (note "block job" E.Block_job.to_string);
    "disk", E.DiskChange (note "disk" E.Disk_change.to_string);
    "tray", E.TrayChange (note "tray" E.Tray_change.to_string);
    "wakeup", E.PMWakeUp (note "wakeup" E.PM_wakeup.to_string);
    "suspend", E.PMSuspend (note "suspend" E.PM_suspend.to_string);
    "balloon", E.BalloonChange (note "balloon" E.Balloon_change.to_string);
    "suspend to disk", E.PMSuspendDisk (note "suspend to disk" E.PM_suspend_disk.to_string) ]

let run_until condition =
  let limit = Unix.gettimeofday () +. wait_seconds in
  while (not (condition ())) && Unix.gettimeofday () < limit do E.run_default_impl () done;
  string_of_bool (condition ())

let cause conn =
  let dom = D.define_xml conn domain in
  List.iter (fun (name, step) -> unit name (fun () -> step dom))
    [ "create", D.create; "suspend", D.suspend; "resume", D.resume; "reboot", D.reboot; "shutdown", D.shutdown; "create", D.create; "destroy", D.destroy;
      "undefine", D.undefine ]

let () =
  (* The texts of each kind of change, also of those that nothing here makes. *)
  print_endline "== texts";
  print_endline (String.concat ", "
    [ E.Defined.to_string `Updated; E.Undefined.to_string `Removed; E.Started.to_string `Wakeup; E.Suspended.to_string `Watchdog; E.Resumed.to_string `Migrated;
      E.Stopped.to_string `Crashed; E.PM_suspended.to_string `Disk ]);
  E.register_default_impl ();
  section "events" (fun conn ->
      let fired = ref 0 in
      let timer = E.add_timeout conn 20 (fun () -> incr fired) in
      let ids = List.filter_map (fun (name, callback) -> show name (fun _ -> "registered") (fun () -> E.register_any conn callback)) callbacks in
      cause conn;
      print_endline ("all came: " ^ run_until (fun () -> List.exists (fun text -> contains text "lifecycle one" && contains text "ndefined") !seen));
      List.iter print_endline (List.rev !seen);
      print_endline ("timer: " ^ run_until (fun () -> !fired > 1));
      List.iter (fun id -> unit "deregister" (fun () -> E.deregister_any conn id)) ids;
      unit "deregister again" (fun () -> E.deregister_any conn (List.hd ids));
      seen := [];
      let test = D.lookup_by_name conn "test" in
      let id = E.register_any conn ~dom:test (snd (List.hd callbacks)) in
      D.undefine (D.define_xml conn domain);
      unit "suspend" (fun () -> D.suspend test);
      let came = run_until (fun () -> !seen <> []) in
      print_endline ("limited: " ^ came ^ " " ^ String.concat ", " !seen);
      E.deregister_any conn id;
      (* So that a turn that follows has an end, the timer is the last to go. *)
      E.remove_timeout conn timer)
