//! Dicts and lists beside plain vectors: each step runs on both, and the results are compared.

use isopod_sync::{Dict, Handle, Holder, List, Lock, Message, StoreError, Tree};

use crate::step::{DictStep, ListStep, Value};

const LIMIT_BYTES: u64 = 3_500;

/// The lock whose references are counted, and the tree whose bytes are counted.
struct World {
    probe: Lock,
    tree: Tree,
}

impl World {
    fn new() -> Self {
        let (probe, tree) = (Lock::new(), Tree::new(LIMIT_BYTES));
        Self { probe, tree }
    }

    fn message(&self, (bytes, with_lock): &Value) -> Message {
        let handles: Vec<Handle> = with_lock
            .then(|| self.probe.to_handle())
            .into_iter()
            .collect();
        Message {
            bytes: bytes.clone(),
            handles,
        }
    }

    fn value(&self, message: &Message) -> Value {
        for handle in &message.handles {
            assert_eq!(handle.object_id(), self.probe.object_id());
            assert_eq!(handle.holder(), Holder::Embedder);
        }
        (message.bytes.clone(), !message.handles.is_empty())
    }

    fn cost(&self, value: &Value) -> u64 {
        self.message(value).charged_bytes()
    }

    /// Whether this many bytes may be stored; if not, the error must be that of the limit.
    fn check<T>(&self, outcome: Result<(), StoreError<T>>, bytes: u64) -> bool {
        match outcome {
            Ok(()) => assert!(bytes <= LIMIT_BYTES),
            Err(StoreError::BudgetExceeded { limit_bytes, .. }) => {
                assert!(bytes > limit_bytes, "{bytes} fit");
                return false;
            }
            Err(_) => panic!("not changed, and in range"),
        }
        true
    }

    /// Nothing is left apart from the contents.
    fn check_counts(&self, locks: usize, bytes: u64) {
        let holders = self.probe.holders();
        assert_eq!((holders.embedder, holders.messages), (1, locks));
        assert_eq!(self.tree.queued_bytes(), bytes);
    }
}

type Model = Vec<(u8, Value)>;

fn put(model: &mut Model, key: u8, value: &Value) {
    match model.iter_mut().find(|entry| entry.0 == key) {
        Some(entry) => entry.1 = value.clone(),
        None => model.push((key, value.clone())),
    }
}

fn dict_bytes(world: &World, model: &Model) -> u64 {
    let costs = model.iter().map(|(_, value)| 1 + 256 + world.cost(value));
    costs.sum()
}

fn apply_to_dict(world: &World, dict: &Dict, model: &mut Model, step: &DictStep) {
    let mut after = model.clone();
    let present = |key: u8| model.iter().find(|entry| entry.0 == key).cloned();
    let (outcome, changes) = match step {
        DictStep::Set(key, value) => {
            put(&mut after, *key, value);
            (dict.set(&[*key], world.message(value)), true)
        }
        DictStep::SetDefault(key, value) => {
            let expected = present(*key).map_or_else(|| value.clone(), |entry| entry.1);
            put(&mut after, *key, &expected);
            let outcome = dict.set_default(&[*key], world.message(value));
            let outcome = outcome.map(|message| assert_eq!(world.value(&message), expected));
            (outcome, true)
        }
        DictStep::Exchange(key, value, hit) => {
            let version = dict.get_versioned(&[*key]).map(|found| found.version);
            let expected = if *hit { version } else { Some(u64::MAX) };
            let outcome = dict.compare_exchange(&[*key], expected, world.message(value));
            if *hit {
                put(&mut after, *key, value);
                (outcome, true)
            } else {
                assert!(matches!(outcome, Err(StoreError::Changed(_))));
                (Ok(()), false)
            }
        }
        DictStep::Update(entries) => {
            for (key, value) in entries {
                put(&mut after, *key, value);
            }
            let items = entries
                .iter()
                .map(|(key, value)| (vec![*key], world.message(value)));
            let outcome = dict.update(items.collect());
            (outcome.map_err(|_| budget()), true)
        }
        DictStep::Remove(key) => {
            let removed = dict.remove(&[*key]).map(|message| world.value(&message));
            assert_eq!(removed, present(*key).map(|entry| entry.1));
            after.retain(|entry| entry.0 != *key);
            (Ok(()), true)
        }
        DictStep::PopLast => {
            let popped = dict
                .pop_last()
                .map(|(key, message)| (key[0], world.value(&message)));
            assert_eq!(popped, after.pop());
            (Ok(()), true)
        }
        DictStep::Clear => {
            dict.clear();
            after.clear();
            (Ok(()), true)
        }
    };
    if changes && world.check(outcome, dict_bytes(world, &after)) {
        *model = after;
    }
}

/// Stands for a refusal of many values, whose type does not matter here.
fn budget() -> StoreError<Message> {
    StoreError::BudgetExceeded {
        rejected: Message::default(),
        charged_bytes: 0,
        queued_bytes: 0,
        limit_bytes: LIMIT_BYTES,
    }
}

fn position(length: usize, index: i64) -> Option<usize> {
    let position = i128::from(index) + if index < 0 { length as i128 } else { 0 };
    (0..length as i128)
        .contains(&position)
        .then_some(position as usize)
}

fn bound(length: usize, index: i64) -> usize {
    let position = i128::from(index) + if index < 0 { length as i128 } else { 0 };
    position.clamp(0, length as i128) as usize
}

fn list_bytes(world: &World, model: &[Value]) -> u64 {
    model.iter().map(|value| world.cost(value)).sum()
}

fn apply_to_list(world: &World, list: &List, model: &mut Vec<Value>, step: &ListStep) {
    let mut after = model.clone();
    let length = model.len();
    let outcome = match step {
        ListStep::Push(value) => {
            after.push(value.clone());
            list.push(world.message(value))
        }
        ListStep::Insert(index, value) => {
            after.insert(bound(length, *index), value.clone());
            list.insert(*index, world.message(value))
        }
        ListStep::Set(index, value) => match position(length, *index) {
            Some(position) => {
                after[position] = value.clone();
                list.set(*index, world.message(value))
            }
            None => out_of_range(list.set(*index, world.message(value))),
        },
        ListStep::Exchange(index, value, hit) => {
            let version = list.snapshot().1 + u64::from(!hit);
            let outcome = list.compare_exchange(*index, version, world.message(value));
            match (position(length, *index), hit) {
                (_, false) => {
                    assert!(matches!(outcome, Err(StoreError::Changed(_))));
                    Ok(())
                }
                (Some(position), true) => {
                    after[position] = value.clone();
                    outcome
                }
                (None, true) => out_of_range(outcome),
            }
        }
        ListStep::SetSlice(start, end, values) => {
            let start_position = start.map_or(0, |start| bound(length, start));
            let end_position = end
                .map_or(length, |end| bound(length, end))
                .max(start_position);
            let expected = &model[start_position..end_position];
            let slice = list.slice(*start, *end);
            let slice: Vec<Value> = slice.iter().map(|message| world.value(message)).collect();
            assert_eq!(slice, expected);
            after.splice(start_position..end_position, values.iter().cloned());
            let messages = values.iter().map(|value| world.message(value)).collect();
            list.set_slice(*start, *end, messages).map_err(|_| budget())
        }
        ListStep::Pop(index) => {
            let popped = list.pop(*index).ok().map(|message| world.value(&message));
            let expected = position(length, *index).map(|position| after.remove(position));
            assert_eq!(popped, expected);
            Ok(())
        }
        ListStep::Remove(value) => {
            let message = world.message(value);
            let first = model.iter().position(|own| own == value);
            assert_eq!(list.index(&message), first.map(|first| first as u64));
            let count = model.iter().filter(|own| *own == value).count();
            assert_eq!(list.count(&message), count);
            assert_eq!(list.remove(&message), first.is_some());
            first.map(|first| after.remove(first));
            Ok(())
        }
        ListStep::Reverse => {
            list.reverse();
            after.reverse();
            Ok(())
        }
        ListStep::Rotate => {
            let order: Vec<usize> = (0..length)
                .map(|position| (position + 1) % length)
                .collect();
            list.reorder(list.snapshot().1, &order).unwrap();
            if length > 0 {
                after.rotate_left(1);
            }
            Ok(())
        }
        ListStep::Clear => {
            list.clear();
            after.clear();
            Ok(())
        }
    };
    if world.check(outcome, list_bytes(world, &after)) {
        *model = after;
    }
}

fn out_of_range(outcome: Result<(), StoreError>) -> Result<(), StoreError> {
    assert!(matches!(outcome, Err(StoreError::OutOfRange { .. })));
    Ok(())
}

/// Runs these steps on a dict and in the model, and compares everything visible after each.
pub(super) fn run_dict(steps: impl IntoIterator<Item = DictStep>) {
    let world = World::new();
    let dict = Dict::new_in(&world.tree, Holder::Embedder);
    let mut model = Model::new();
    for step in steps {
        apply_to_dict(&world, &dict, &mut model, &step);
        let items = dict.items().into_iter();
        let items: Model = items
            .map(|(key, value)| (key[0], world.value(&value)))
            .collect();
        assert_eq!(items, model);
        let locks = model.iter().filter(|entry| entry.1.1).count();
        world.check_counts(locks, dict_bytes(&world, &model));
    }
    drop(dict);
    world.check_counts(0, 0);
}

/// The same for a list.
pub(super) fn run_list(steps: impl IntoIterator<Item = ListStep>) {
    let world = World::new();
    let list = List::new_in(&world.tree, Holder::Embedder);
    let mut model = Vec::new();
    for step in steps {
        apply_to_list(&world, &list, &mut model, &step);
        let elements = list.slice(None, None).into_iter();
        let elements: Vec<Value> = elements.map(|message| world.value(&message)).collect();
        assert_eq!(elements, model);
        let locks = model.iter().filter(|value| value.1).count();
        world.check_counts(locks, list_bytes(&world, &model));
    }
    drop(list);
    world.check_counts(0, 0);
}
