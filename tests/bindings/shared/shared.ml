(* SPDX-License-Identifier: LGPL-2.1-or-later
   What the OCaml programs share: printing what a call gives, and the record of the binding's functions that the program names.
   A function that is named in a program is called there; OCaml has no way to watch the calls themselves. *)
module C = Libvirt.Connect
module D = Libvirt.Domain
module E = Libvirt.Event
module N = Libvirt.Network
module P = Libvirt.Pool
module V = Libvirt.Volume
module S = Libvirt.Secret
module Err = Libvirt.Virterror

let uri = Sys.argv.(1)
let files = Sys.getenv "BINDINGS_FILES" (* a folder that the daemon sees under the same name *)
let one = "11111111-1111-4111-8111-111111111111"

let domain =
  "<domain type='test'><name>one</name><uuid>" ^ one ^ "</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu>"
  ^ "<os><type arch='i686'>hvm</type></os></domain>"

let failure e = Printf.sprintf "error %s domain %s level %s" (Err.string_of_code e.Err.code) (Err.string_of_domain e.Err.domain) (Err.string_of_level e.Err.level)

(* Print what a call gives, as text; None after an error. *)
let show name text call =
  match call () with
  | value -> Printf.printf "%s: %s\n%!" name (text value); Some value
  | exception Libvirt.Virterror e -> Printf.printf "%s: %s\n%!" name (failure e); None
  | exception Libvirt.Not_supported missing -> Printf.printf "%s: no %s\n%!" name missing; None
  | exception Invalid_argument _ -> Printf.printf "%s: invalid argument\n%!" name; None

let string name call = ignore (show name Fun.id call)
let int name call = ignore (show name string_of_int call)
let int64 name call = ignore (show name Int64.to_string call)
let bool name call = ignore (show name string_of_bool call)
let unit name call = ignore (show name (fun () -> "done") call)
let strings name call = ignore (show name (fun list -> String.concat " " (List.sort compare (Array.to_list list))) call)
let hex text = String.concat "" (List.map (fun c -> Printf.sprintf "%02x" (Char.code c)) (List.of_seq (String.to_seq text)))

(* Line by line, without those that contain the word. *)
let contains text word =
  let n = String.length word in
  let rec at i = i + n <= String.length text && (String.sub text i n = word || at (i + 1)) in
  at 0

let document ?(without = "\000") name call =
  match call () with
  | text -> List.iter (fun line -> if not (contains line without) then Printf.printf "%s| %s\n" name line) (String.split_on_char '\n' text)
  | exception Libvirt.Virterror e -> Printf.printf "%s: %s\n" name (failure e)

(* Keeps the state of the test driver between the parts of a program. *)
let anchor = C.connect ~name:uri ()

(* A part with a connection of its own; one that ends early says so and the rest goes on. *)
let section name code =
  Printf.printf "== %s\n%!" name;
  let conn = C.connect ~name:uri () in
  (try code conn with Libvirt.Virterror e -> Printf.printf "ended: %s\n%!" (failure e) | Not_found -> print_endline "ended");
  C.close conn

let some = function Some value -> value | None -> raise Not_found

(* The record *)

let read path =
  let file = open_in_bin path in
  let text = really_input_string file (in_channel_length file) in
  close_in file;
  text

let without_comments text =
  let out = Buffer.create (String.length text) in
  let rec go i depth =
    if i < String.length text then
      let two = if i + 1 < String.length text then String.sub text i 2 else "" in
      if two = "(*" then go (i + 2) (depth + 1)
      else if two = "*)" && depth > 0 then go (i + 2) (depth - 1)
      else (if depth = 0 then Buffer.add_char out text.[i]; go (i + 1) depth)
  in
  go 0 0;
  Buffer.contents out

let words text =
  let separated = String.map (fun c -> match c with 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '_' | '.' | '\'' -> c | _ -> ' ') text in
  List.filter (fun word -> word <> "") (String.split_on_char ' ' separated)

let aliases = [ "Connect", "C"; "Domain", "D"; "Event", "E"; "Network", "N"; "Pool", "P"; "Volume", "V"; "Secret", "S"; "Virterror", "Err" ]

(* The names of the interface's values as the programs write them. *)
let offered interface =
  let rec go path found = function
    | "module" :: name :: rest -> go (name :: path) found rest
    | "end" :: rest -> go (match path with _ :: up -> up | [] -> []) found rest
    | ("val" | "external") :: name :: rest ->
      let outer = match List.rev path with [] -> [ "Libvirt" ] | first :: inner -> (try List.assoc first aliases with Not_found -> first) :: inner in
      go path (String.concat "." (outer @ [ name ]) :: found) rest
    | _ :: rest -> go path found rest
    | [] -> List.rev found
  in
  go [] [] (words (without_comments interface))

let () =
  at_exit (fun () ->
      let named = words (without_comments (read "/tmp/program.ml" ^ read "/tmp/shared.ml")) in
      let record = open_out (files ^ "/calls") in
      List.iter (fun name -> Printf.fprintf record "%s %s\n" (if List.mem name named then "+" else "-") name) (offered (read "/usr/lib/ocaml/libvirt/libvirt.mli"));
      close_out record)
